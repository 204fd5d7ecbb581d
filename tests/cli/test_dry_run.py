"""`--dry-run`: what would be trained, the errors of the real command, and no trace on the disk."""

from pathlib import Path

import numpy as np
import pytest

from mlcli.cli.cross_validation import main as crossval
from mlcli.cli.training import main
from mlcli.config.cache_dir import unchanged_cache
from mlcli.loading.cache import cached
from tests import commands

IRIS = ["--dry-run", "data=iris", "trainer.epochs=3"]
NOTHING = "dry run: nothing was trained or written\n"


@pytest.fixture(autouse=True)
def _nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """In an empty folder that also has the cache; no courier may start."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLCLI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("mlcli.track.tracking.start_courier", None)
    before = set(tmp_path.rglob("*"))
    yield
    assert set(tmp_path.rglob("*")) - {tmp_path / "conf" / "data"} == before


def test_a_single_run(capsys: pytest.CaptureFixture[str]) -> None:
    main([*IRIS, "model=mlp", "optimizer.lr=0.5"])
    printed = capsys.readouterr().out
    for words in (("model", "mlp"), ("data", "iris"), ("optimizer", "adam"), ("optimizer.lr", "0.5")):
        assert any(line.split() == list(words) for line in printed.splitlines())
    assert "mlp-iris: 18,051 parameters · 90 / 30 / 30 examples" in printed
    assert "3 epochs of 3 steps, best epoch by val/loss, in outputs/runs" in printed and printed.endswith(NOTHING)


def test_the_learning_rate_range_test_is_announced(capsys: pytest.CaptureFixture[str]) -> None:
    main([*IRIS, "optimizer.lr=auto"])
    assert "a learning-rate range test would come before the training" in capsys.readouterr().err


def test_trials_what_differs_and_stacks(capsys: pytest.CaptureFixture[str]) -> None:
    main(["-m", *IRIS, "optimizer.lr=0.1,0.2", "model=mlp,linear,svm", "trainer.seed=0,1"])
    printed = capsys.readouterr().out
    rows = [line.split() for line in printed.splitlines()]
    assert ["trial", "lr", "model", "seed", "group"] in rows
    assert ["0", "0.1", "mlp", "0", "1"] in rows and ["11", "0.2", "svm", "1", "3"] in rows
    assert "group 1: 4 trials as one stack" in printed and "group 2: 4 trials as one stack" in printed
    assert "group 3: 4 trials one by one: models that are not trained by gradient descent do not stack" in printed
    assert "the groups differ in model, which must be equal within a stack" in printed
    assert printed.endswith(NOTHING)


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        (
            ["trainer.seed=0,1", "trainer.max_time=9"],
            "2 trials one by one: trainer.max_time limits each run's own time",
        ),
        (["trainer.seed=0,1", "hydra/launcher=processes"], "2 trials one by one: hydra/launcher=processes"),
        (["model.width=8,16"], "the groups differ in model.width, which must be equal within a stack"),
        (["model=mlp,cnn"], "1 trial would fail: This model takes image inputs, not vector (data=iris)"),
        (["trainer.seed=range(60)"], "60 trials of 3 epochs"),
        (["trainer.epochs=3,5"], "2 trials of 3 to 5 epochs"),
        (["trainer.repeats=2"], "group 1: 2 trials as one stack"),
    ],
)
def test_why_trials_train_apart(typed: list[str], wanted: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["-m", *IRIS, *typed])
    assert wanted in capsys.readouterr().out


def test_another_sweeper_and_another_launcher(capsys: pytest.CaptureFixture[str]) -> None:
    main(["-m", *IRIS, "hydra/sweeper=basic", "hydra/launcher=basic", "trainer.seed=0,1"])
    assert "2 trials one by one: hydra/launcher=" in capsys.readouterr().out


def test_a_cross_validation(capsys: pytest.CaptureFixture[str]) -> None:
    crossval([*IRIS, "folds=3", "model=mlp,linear"])
    printed = capsys.readouterr().out
    assert "6 trials of 3 epochs" in printed and "group 2: 3 trials as one stack" in printed


@pytest.mark.parametrize(
    "typed",
    [
        ["model=cnn"],
        ["-m", "model=cnn,resnet"],
        ["-m", "optimizer.lr=1,abc"],
        ["trainer.monitor=val/acc"],
        ["-m", "trainer.seed=0,1", "sweep.metric=val/acc"],
        ["variant=x"],
        ["tracking.uri=nonsense"],
        ["model.init_from=nowhere"],
        ["model.width=-1"],
        ["hydra.job.chdir=true"],
    ],
)
def test_the_errors_are_those_of_the_real_command(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    off = ["tracking=none"] if typed[0] == "-m" else []  # whose courier would start before the check
    message = commands.refusal(["data=iris", *off, *typed], capsys)
    assert commands.refusal([*IRIS, *typed], capsys) == message


def test_a_folder_that_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taken = tmp_path.parent / f"{tmp_path.name}-taken"
    taken.mkdir()
    for name, flags in (("run.json", [f"hydra.run.dir={taken}"]), ("sweep.json", ["-m", f"hydra.sweep.dir={taken}"])):
        (taken / name).write_text("{}")
        assert "holds a run already" in commands.refusal([*IRIS, "trainer.repeats=1", *flags], capsys)
    (taken / "file").write_text("")
    assert "file is a file): use outputs=FOLDER." in commands.refusal([*IRIS, f"outputs={taken}/file/x"], capsys)


def test_the_cache_stays_as_it_is(tmp_path: Path) -> None:
    def parse() -> dict[str, np.ndarray]:
        return {"x": np.arange(3)}

    with unchanged_cache():
        assert cached("key", parse)["x"].tolist() == cached("key", dict)["x"].tolist() == [0, 1, 2]
    assert not (tmp_path / "cache").exists()
