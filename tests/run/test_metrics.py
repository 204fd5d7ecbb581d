"""Metrics that there are not: one line before anything is written."""

from pathlib import Path

import pytest

from mlcli.cli.cross_validation import main as crossval
from mlcli.cli.training import main
from mlcli.run import metrics
from mlcli.run.build import build
from mlcli.run.lifecycle import plan_of
from mlcli.train.loop import Epoch, Progress, fit
from tests.configs import run_config

QUICK = ["tracking=none", "device=cpu", "-q", "tracking.figures=false", "trainer.epochs=2"]
IRIS = [*QUICK, "data=iris", "model=mlp", "model.width=8"]
TASKS = {
    "classification": ["data=iris", "model=mlp", "model.width=8", "model.dropout=0.3"],
    "estimator": ["data=iris", "model=logistic_regression"],
    "clustering": ["data=iris", "task=clustering", "model=kmeans", "model.clusters=3"],
    "reduction": ["data=iris", "task=reduction", "model=pca", "model.components=2"],
    "control": ["data=gridworld", "task=control", "model=q_table"],
    "dqn": ["data=cartpole", "task=dqn", "model=mlp", "model.width=8", "task.rounds=16"],
    "reinforce": ["data=cartpole", "task=reinforce", "model=mlp", "model.width=8"],
}


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["trainer.monitor=train/acc"], "trainer.monitor=train/acc: no such metric. Did you mean"),
        (["trainer.monitor=val/acc"], "trainer.monitor=val/acc: no such metric. Did you mean val/accuracy?"),
        (["-m", "trainer.monitor=train/acc", "trainer.seed=0,1"], "trainer.monitor=train/acc: no such metric"),
        (["-m", "sweep.metric=val/acc", "trainer.seed=0,1"], "sweep.metric=val/acc: no such metric. Did you mean"),
        (
            ["-m", "sweep.halving=true", "sweep.metric=val/acc", "trainer.seed=0,1"],
            "sweep.metric=val/acc: no such metric. Did you mean val/accuracy?",
        ),
        (
            ["-m", "sweep.halving=true", "sweep.metric=test/accuracy", "trainer.seed=0,1"],
            "sweep.metric=test/accuracy: no such metric. Did you mean val/accuracy?",
        ),
        (
            ["-m", "optimizer.lr=1e-3,1e-2", "split.folds=80,90"],
            "trial 0 (lr=0.001 folds=80): split.folds=80: iris has 150",
        ),
    ],
)
def test_unknown_metrics_and_trials_that_cannot_be_built(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main([*IRIS, *arguments])
    err = capsys.readouterr().err
    assert end.value.code == 2 and said in err and len(err.splitlines()) == 1
    assert not Path("outputs").exists()


def test_crossval_compares_a_metric_that_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        crossval([*IRIS, "metric=acc", "folds=3"])
    assert end.value.code == 2 and not Path("outputs").exists()
    assert "sweep.metric=test/acc: no such metric. Did you mean test/accuracy?" in capsys.readouterr().err


def journal(arguments: list[str], look: bool) -> list[dict[str, float]]:
    cfg = run_config(*QUICK[:2], "trainer.epochs=2", *arguments)
    parts = build(cfg)
    names = metrics._of_train(parts, cfg) if look else []
    told = [event.metrics for event in fit(parts.task, plan_of(cfg), Progress()) if isinstance(event, Epoch)]
    assert set(names) <= set(told[-1])
    assert not look or {name for name in told[-1] if name.startswith("train/")} <= set(names)
    return told


@pytest.mark.parametrize("task", TASKS)
def test_to_look_for_the_metrics_of_training_changes_nothing(task: str) -> None:
    assert journal(TASKS[task], look=True) == journal(TASKS[task], look=False)


def test_the_default_metric_is_not_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([*QUICK, *TASKS["reinforce"], "trainer.monitor=val/loss"])
    assert end.value.code == 2 and not Path("outputs").exists()
    assert "trainer.monitor=val/loss: no such metric." in capsys.readouterr().err
