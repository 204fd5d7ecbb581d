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
# Records each process by its command, and whether it imports anything while the folder is in its path.
WATCH = """
import os, sys
def note(state):
    with open(f"{seen}/{{state}}-{{os.getpid()}}", "w") as file:
        file.write(" ".join(sys.orig_argv))
def hook(event, arguments):
    if event == "import" and "{work}" in sys.path and not (noted and noted[-1] == os.getpid()):
        noted.append(os.getpid())
        note("builds")
noted = []
note("started")
sys.addaudithook(hook)
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
    """Courier, drawer and workers alike, although a user's own model is found there. Only processes that build trials
    have the folder in their path."""
    (littered / "mymodels.py").write_text(OWN_MODEL)
    (littered.parent / "watch").mkdir()
    (littered.parent / "watch" / "sitecustomize.py").write_text(WATCH.format(work=littered, seen=littered.parent))
    (littered / "conf" / "model").mkdir(parents=True)
    (littered / "conf" / "model" / "small.yaml").write_text("_target_: mymodels.Small\n")
    arguments = ["train", "-m", "model=small", "data=xor", "trainer.epochs=1", "optimizer.lr=0.1,0.2"]
    mlcli = [sys.executable, "-P", "-m", "mlcli"]  # -P: as the installed script
    command = [*mlcli, *arguments, "hydra/launcher=processes"]
    environment = os.environ | {"PYTHONPATH": str(littered.parent / "watch")}
    done = subprocess.run(
        command, cwd=littered, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, traces(littered)) == (0, []), done.stderr
    assert len(list(littered.glob("outputs/sweeps/*/*/result.json"))) == 2
    assert list(littered.glob("outputs/sweeps/*/figures/*.png"))
    with subprocess.Popen(
        [*mlcli, "ui", "--port", "0"],
        cwd=littered,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as server:
        assert server.stdout is not None
        assert b"http://127.0.0.1:" in server.stdout.readline()
        server.send_signal(signal.SIGINT)
    assert traces(littered) == []
    started, building = (
        {path.name.partition("-")[2]: path.read_text() for path in littered.parent.glob(f"{state}-*")}
        for state in ("started", "builds")
    )
    assert sorted("spawn_main" in command for command in building.values()) == [False, True, True], building
    for helper in ("mlcli train", "courier_process", "forkserver", "mlcli ui", "mlflow server"):
        matching = {process for process, command in started.items() if helper in command}
        assert matching and bool(matching & building.keys()) == (helper == "mlcli train"), helper


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
