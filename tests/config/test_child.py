"""Files in the current folder are never imported by the processes that mlcli starts."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mlcli.config import child

NAMES = ("socket", "queue", "random", "mlflow", "uvicorn", "joblib", "matplotlib")
OWN_MODEL = """
from torch import nn
from mlcli.traits import ModelTraits
class Small(nn.Module):
    traits = ModelTraits(accepts=("vector",))
    def __init__(self, input_shape, outputs):
        super().__init__()
        self.head = nn.Linear(input_shape[0], outputs)
    def forward(self, inputs):
        return self.head(inputs)
"""


@pytest.fixture
def littered(tmp_path: Path) -> Path:
    """A folder with files named like modules; each leaves a trace where it is run, and ends the process."""
    work = tmp_path / "work"
    work.mkdir()
    for name in NAMES:
        trace = tmp_path / f"imported-{name}"
        (work / f"{name}.py").write_text(f"open({str(trace)!r}, 'w').close()\nraise SystemExit('{name} was run')\n")
    return work


def traces(work: Path) -> list[str]:
    return sorted(path.name for path in work.parent.glob("imported-*"))


def test_a_sweep_in_processes_imports_nothing_from_the_current_folder(littered: Path) -> None:
    """Courier, drawer and workers alike. A user's own model is found through PYTHONPATH all the same."""
    own = littered.parent / "own"
    own.mkdir()
    (own / "mymodels.py").write_text(OWN_MODEL)
    (littered / "conf" / "model").mkdir(parents=True)
    (littered / "conf" / "model" / "small.yaml").write_text("_target_: mymodels.Small\n")
    arguments = ["train", "-m", "model=small", "data=xor", "trainer.epochs=1", "optimizer.lr=0.1,0.2"]
    mlcli = [sys.executable, "-P", "-m", "mlcli"]  # -P: as the installed script
    command = [*mlcli, *arguments, "hydra/launcher=processes"]
    environment = os.environ | {"PYTHONPATH": str(own)}
    done = subprocess.run(
        command, cwd=littered, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, traces(littered)) == (0, []), done.stderr
    assert len(list(littered.glob("outputs/sweeps/*/*/result.json"))) == 2
    assert list(littered.glob("outputs/sweeps/*/figures/*.png"))
    with subprocess.Popen(
        [*mlcli, "ui", "--port", "0"], cwd=littered, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as server:
        assert server.stdout is not None
        assert b"http://127.0.0.1:" in server.stdout.readline()
        server.send_signal(signal.SIGINT)
    assert traces(littered) == []


@pytest.mark.parametrize("arguments", [["-c", "import socket, queue"], ["-m", "mlcli", "--help"]])
def test_a_python_process(littered: Path, arguments: list[str]) -> None:
    done = subprocess.run(
        child.python(*arguments), cwd=littered, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, traces(littered)) == (0, []), done.stderr


def test_from_an_uninstalled_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m mlcli` in the checkout: the folder of the package is all that is added to the path."""
    monkeypatch.setattr(sys, "path", [str(child.ROOT), "/elsewhere"])
    monkeypatch.setenv("PYTHONPATH", "/own")
    child.safe_path()
    assert os.environ["PYTHONPATH"] == f"/own{os.pathsep}{child.ROOT}"
    monkeypatch.setattr(sys, "path", ["/scripts", str(child.ROOT)])
    monkeypatch.setenv("PYTHONPATH", "/own")
    child.safe_path()
    assert os.environ["PYTHONPATH"] == "/own"
