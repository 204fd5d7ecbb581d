"""Launchers of other packages: each trial is a run of the sweep, whoever started its process."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn

from tests import commands
from tests.commands import refusal

QUICK = ["-q", "data=iris", "model=mlp", "model.width=8", "trainer.epochs=2", "device=cpu", "optimizer=sgd"]
NO_FIGURES = "tracking.figures=false"
SWEEPER = '''
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper

class TwoRounds(Sweeper):
    """A first round of rates, and a second one around the best of them."""

    def __init__(self, rates):
        self.rates = rates

    def setup(self, **context):
        self.launcher = Plugins.instance().instantiate_launcher(**context)

    def sweep(self, arguments):
        first = self.launcher.launch([[*arguments, f"optimizer.lr={rate}"] for rate in self.rates], initial_job_idx=0)
        scores = [each.return_value for each in first]
        assert all(isinstance(score, float) for score in scores)
        best = self.rates[scores.index(min(scores))]
        second = [[*arguments, f"optimizer.lr={rate}"] for rate in (best / 2, 1e30)]
        self.launcher.launch(second, initial_job_idx=len(first))
'''


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def sweep(*arguments: str, status: int = 0) -> Path:
    return commands.sweep([*QUICK, "tracking=none", NO_FIGURES, *arguments], status)


def record(folder: Path, name: str = "run.json") -> dict[str, Any]:
    return dict(json.loads((folder / name).read_text()))


def test_joblib_trains_the_rounds_of_another_sweeper(
    tmp_path: Path, mlcli: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Two processes of joblib, two rounds, of which the second depends on the first; the last trial diverges."""
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    (tmp_path / "own" / "hydra_plugins").mkdir(parents=True)
    (tmp_path / "own" / "hydra_plugins" / "two_rounds.py").write_text(SWEEPER)
    (tmp_path / "conf" / "hydra" / "sweeper").mkdir(parents=True)
    config = "_target_: hydra_plugins.two_rounds.TwoRounds\nrates: [0.01, 0.3]\n"
    (tmp_path / "conf" / "hydra" / "sweeper" / "two_rounds.yaml").write_text(config)
    path = ":".join([str(tmp_path / "own"), *filter(None, sys.path)])
    words = [
        "train",
        "-m",
        *QUICK,
        NO_FIGURES,
        "hydra/sweeper=two_rounds",
        "hydra/launcher=joblib",
        "hydra.launcher.n_jobs=2",
    ]
    done = mlcli(*words, cwd=tmp_path, timeout=120, PYTHONPATH=path)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert "trial 3 (lr=1e+30) failed: loss is" in done.stderr
    (folder,) = (tmp_path / "outputs" / "sweeps").iterdir()
    assert record(folder, "sweep.json")["status"] == "FINISHED"
    rows = record(folder, "trials.json")["trials"]
    assert [row["status"] for row in rows] == ["FINISHED"] * 3 + ["FAILED"]
    assert [row["swept"]["optimizer.lr"] for row in rows] == [0.01, 0.3, 0.15, 1e30]
    runs = [record(folder / number) for number in "0123"]
    assert {run["parent"] for run in runs} == {folder.name} and [run["trial"] for run in runs] == [0, 1, 2, 3]
    assert record(folder, "sweep.json")["pid"] not in {run["pid"] for run in runs}
    with closing(sqlite3.connect(tmp_path / "outputs" / "mlflow.db")) as database:
        parents = database.execute("SELECT value FROM tags WHERE key = 'mlflow.parentRunId'").fetchall()
        assert len(parents) == 4 and len(set(parents)) == 1
        assert database.execute("SELECT COUNT(*) FROM runs").fetchone() == (5,)


def test_hydra_s_own_launcher_gives_the_numbers_of_ours() -> None:
    alone = sweep("trainer.seed=0,1", "hydra/launcher=serial")
    other = sweep("trainer.seed=0,1", "hydra/launcher=basic", "hydra.output_subdir=.hydra")
    for number in "01":
        results = [record(folder / number, "result.json")["metrics"] for folder in (alone, other)]
        assert results[0] == results[1]
        assert record(other / number)["swept"] == {"trainer.seed": int(number)}
        assert f"seed: {number}" in (other / number / ".hydra" / "config.yaml").read_text()
        assert f"trainer.seed={number}" in (other / number / ".hydra" / "overrides.yaml").read_text()


@pytest.fixture
def basic() -> Any:
    """The class of Hydra's launcher. Hydra loads its modules anew, so importing it gives another one."""
    return Plugins.instance().class_name_to_class["hydra._internal.core_plugins.basic_launcher.BasicLauncher"]


class Killed(Exception):
    """What joblib raises when one of its processes was killed."""


def test_a_launcher_that_fails_keeps_what_has_finished(
    basic: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second trial was killed while it trained, and the third had not started."""
    launch = basic.launch

    def breaks(self: Any, overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        launch(self, overrides[:2], initial_job_idx)
        (path,) = Path("outputs").glob("sweeps/*/1/run.json")
        path.write_text(json.dumps(json.loads(path.read_text()) | {"status": "RUNNING"}))
        raise Killed("a process was killed\nexit codes: -9")

    monkeypatch.setattr(basic, "launch", breaks)
    folder = sweep("trainer.seed=0,1,2", "hydra/launcher=basic", status=1)
    rows = record(folder, "trials.json")["trials"]
    assert [row["status"] for row in rows] == ["FINISHED", "FAILED", "FAILED"]
    assert record(folder / "1")["reason"] == record(folder / "2")["reason"] == "Killed: a process was killed"
    assert "Traceback" not in capsys.readouterr().err


def test_an_interrupt_marks_what_was_training(basic: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    launch = basic.launch

    def interrupted(self: Any, overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        launch(self, overrides[:1], initial_job_idx)
        (path,) = Path("outputs").glob("sweeps/*/0/run.json")
        path.write_text(json.dumps(json.loads(path.read_text()) | {"status": "RUNNING"}))
        raise KeyboardInterrupt

    monkeypatch.setattr(basic, "launch", interrupted)
    folder = sweep("trainer.seed=0,1", "hydra/launcher=basic", status=130)
    assert record(folder / "0")["status"] == record(folder, "sweep.json")["status"] == "KILLED"
    assert not (folder / "1").exists()


def test_a_launcher_that_starts_nothing_is_one_line(
    basic: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(self: Any, overrides: Any, initial_job_idx: int) -> Any:
        raise RuntimeError('Could not detect "srun"')

    monkeypatch.setattr(basic, "launch", breaks)
    folder = sweep("trainer.seed=0,1", "hydra/launcher=basic", status=1)
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == 'failed: hydra/launcher=basic: RuntimeError: Could not detect "srun"'
    assert record(folder, "sweep.json")["status"] == "FAILED"


def test_an_invalid_trial_is_an_error_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["-m", *QUICK, "trainer.batch_size=8,0", "hydra/launcher=basic"]
    assert "trainer.batch_size=0" in refusal(words, capsys)
    assert not (tmp_path / "outputs" / "sweeps").exists()
