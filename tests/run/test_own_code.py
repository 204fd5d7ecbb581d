"""A run with the user's own code: a command imports and checks only what it builds."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mlcli.cli.app import app
from mlcli.cli.training import main
from mlcli.config import own_code
from mlcli.run import user_configs

DATA = """
import torch
from mlcli.loading.dataset import Examples
def churn(examples: int = 60) -> Examples:
    inputs = torch.arange(examples * 3, dtype=torch.float32).reshape(-1, 3) % 7
    return Examples(name="churn", kind="vector", inputs=inputs, targets=(inputs[:, 0] > 3).long(),
                    classes=("stays", "leaves"), features=("a", "b", "c"), target="left", source="a test")
"""
MODEL = "from mlcli.model.mlp import MLP\nclass Own(MLP): pass\n"
OPTIMIZER = "import torch\nclass Own(torch.optim.SGD): pass\n"
SCHEDULE = "class Own:\n    def __call__(self, step, steps_per_epoch, total_steps):\n        return 1.0\n"
MODULES = {"churndata": DATA, "churnmodel": MODEL, "churnoptimizer": OPTIMIZER, "churnschedule": SCHEDULE}
CONFIGS = {
    "data": "churndata.churn",
    "model": "churnmodel.Own\nwidth: 4",
    "optimizer": "churnoptimizer.Own\nlr: 0.1",
    "scheduler": "churnschedule.Own",
}
ROWS = "a,b,c\n1,2,3\n6,0,1\n"


def forget() -> None:
    """As in a new process."""
    for name in MODULES:
        sys.modules.pop(name, None)
    own_code.remove_own_code(own_code.own_code())
    own_code._added.clear()


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(user_configs, "_folders", [])
    forget()
    yield
    forget()


def write_project(folder: Path, groups: tuple[str, ...]) -> None:
    for group in groups:
        (folder / f"churn{group.replace('scheduler', 'schedule')}.py").write_text(
            MODULES[f"churn{group.replace('scheduler', 'schedule')}"]
        )
        (folder / "conf" / group).mkdir(parents=True)
        (folder / "conf" / group / "own.yaml").write_text(f"_target_: {CONFIGS[group]}\n")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run whose data, model, optimizer and schedule are the user's own; then nothing of it is imported."""
    project = tmp_path / "project"
    project.mkdir()
    write_project(project, tuple(CONFIGS))
    monkeypatch.chdir(project)
    main(
        ["-q", "tracking=none", "trainer.epochs=2", "tracking.figures=false", *(f"{group}=own" for group in CONFIGS)]
    )
    (made,) = (project / "outputs" / "runs").iterdir()
    forget()
    return made


def colleague(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, groups: tuple[str, ...]) -> Path:
    """The run in another project folder, which has the code of these groups only."""
    folder = tmp_path / "colleague"
    folder.mkdir()
    write_project(folder, groups)
    shutil.copytree(run, folder / "sent")
    (folder / "rows.csv").write_text(ROWS)
    monkeypatch.chdir(folder)
    return folder


def test_own_code_is_found_beside_conf_by_every_command(run: Path) -> None:
    Path("rows.csv").write_text(ROWS)
    for words in (["predict", "last", "rows.csv"], ["evaluate", "last"], ["evaluate", "last", "data=own"]):
        forget()
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0 or "These are the run's own examples" in done.stderr, done.output


def test_prediction_needs_the_model_only(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = json.loads((run / "model" / "example.json").read_text())["outputs"]["columns"]
    colleague(run, tmp_path, monkeypatch, ("model",))
    done = CliRunner().invoke(app, ["predict", "sent", "rows.csv"])
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[0] == ",".join(expected)
    assert {name for name in MODULES if name in sys.modules} == {"churnmodel"}


def test_evaluation_needs_data_and_model(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = json.loads((run / "result.json").read_text())["metrics"]
    colleague(run, tmp_path, monkeypatch, ("data", "model"))
    done = CliRunner().invoke(app, ["evaluate", "sent", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {name: value for name, value in metrics.items() if name.startswith("test/")}
    assert {name for name in MODULES if name in sys.modules} == {"churndata", "churnmodel"}


def test_evaluation_on_other_data_does_not_need_the_runs_own(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = colleague(run, tmp_path, monkeypatch, ("model",))
    (folder / "otherdata.py").write_text(DATA.replace("churn(", "other(").replace("% 7", "% 5"))
    (folder / "conf" / "data").mkdir()
    (folder / "conf" / "data" / "other.yaml").write_text("_target_: otherdata.other\n")
    done = CliRunner().invoke(app, ["evaluate", "sent", "data=other", "--json"])
    assert done.exit_code == 0, done.output
    assert "test/accuracy" in json.loads(done.stdout)
    assert "churndata" not in sys.modules
    done = CliRunner().invoke(app, ["evaluate", "sent"])
    assert done.exit_code == 2 and "data._target_=churndata.churn: not trusted" in done.stderr


def test_looking_at_a_run_needs_no_code(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = colleague(run, tmp_path, monkeypatch, ())
    record = folder / "sent" / "run.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"id": "another"}))
    for words in (["show", "sent"], ["compare", "sent", str(run)]):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
    done = CliRunner().invoke(app, ["predict", "sent", "rows.csv"])
    assert done.exit_code == 2 and "model._target_=churnmodel.Own: not trusted" in done.stderr
    assert not {name for name in MODULES if name in sys.modules}


def test_a_module_beside_conf_shadows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is at the end of the path, and the shipped configs have no folder of their own code."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "given" / "conf").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    before = [*sys.path]
    own_code.add_own_code(own_code.own_configs("given/conf"))
    own_code.add_own_code(own_code.own_configs("given/conf"))
    assert sys.path == [*before, str(tmp_path), str(tmp_path / "given")]
    with own_code.without_own_code():
        assert sys.path == before
    assert sys.path == [*before, str(tmp_path), str(tmp_path / "given")]
    forget()
    monkeypatch.chdir(Path(own_code.index.shipped_conf()).parent)
    assert own_code.own_configs() == []
