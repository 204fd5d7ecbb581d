"""What is not defined on a split is left out of all numbers, with a line in the log: never 0, never NaN."""

import json
import logging
from dataclasses import replace
from math import isfinite
from pathlib import Path

import pytest
import torch

from mlcli.cli.training import main
from mlcli.metric import classification, clustering, fast, meta_learning, multi_label, regression, rollout
from mlcli.run.build import Parts, build
from mlcli.run.log import log_to
from mlcli.run.stacked import stack_of
from mlcli.store.records import read_json
from tests.configs import run_config

ONE = {
    "classification": ["data=iris", "model=linear"],
    "regression": ["task=regression", "data=diabetes", "model=linear"],
    "clustering": ["task=clustering", "data=iris", "split.val=0.2"],
    "reduction": ["task=reduction", "data=digits", "data.flat=false", "split.val=0.2"],
    "reconstruction": ["task=reconstruction", "model.width=8"],
    "multi-label": ["task=multi_label", "data.examples=300"],
    "sequence-labelling": ["task=sequence_labelling", "data.examples=300", "model.hidden_size=4"],
    "meta-learning": ["task=meta_learning", "data.tasks=50", "task.steps=2"],
    "dqn": ["task=dqn", "task.rounds=1", "task.warmup=20", "task.val_episodes=1"],
}


def parts_of(*overrides: str) -> Parts:
    return build(run_config("device=cpu", *overrides))


@pytest.mark.parametrize("overrides", ONE.values(), ids=ONE.keys())
def test_one_example_gives_numbers_or_nothing(overrides: list[str]) -> None:
    cfg = run_config("device=cpu", *overrides)
    data = build(cfg).data
    count = 20 if data.examples.groups is not None else 1  # of a group, which is a task to learn
    one = replace(data, splits=data.splits | {"val": data.splits["val"][:count]})
    task = build(cfg, one).task
    for batch in task.batches(0):
        task.step(batch)
        break
    for full in (False, True):
        evaluation = task.evaluate("val", full=full)
        assert [name for name, value in evaluation.metrics.items() if not isfinite(value)] == []
        for plot in evaluation.plots():
            plot.figure()


def test_each_metric_by_its_own_rule(caplog: pytest.LogCaptureFixture) -> None:
    one, y = torch.tensor([1.0]), torch.tensor([3.0])
    assert set(fast.regression(one, y)) == set(regression.scores(y.numpy(), one.numpy())) - {"mse"} | {"loss"}
    assert set(meta_learning.scores({1: one}, "loss", full=True)) == {"after_1_loss"}
    assert set(rollout.scores(one, one)) == {"return", "episode_length"}
    probabilities = torch.tensor([[0.2, 0.8], [0.6, 0.4]]).numpy()
    scores = classification.scores(torch.tensor([1, 1]).numpy(), probabilities, ["no", "yes"])
    assert {"roc_auc", "average_precision", "recall/no"}.isdisjoint(scores) and "recall/yes" in scores
    labels = multi_label.scores(torch.ones(2, 2, dtype=torch.bool).numpy(), probabilities, ["a", "b"])
    assert {"roc_auc", "average_precision"}.isdisjoint(labels)
    points = torch.arange(6.0).reshape(3, 2).numpy()
    assert clustering.scores(points, torch.zeros(3, dtype=torch.int64).numpy(), None) == {}
    told = {record.getMessage().partition(" is left out: ")[0] for record in caplog.records}
    assert told >= {"r2", "explained_variance", "after_1_loss_margin_of_error", "return_margin_of_error", "roc_auc",
                    "average_precision", "recall/no", "silhouette"}  # fmt: skip


def test_a_stack_leaves_out_what_a_trial_alone_does() -> None:
    parts = [parts_of("task=regression", "data=diabetes", "model=linear", f"trainer.seed={seed}") for seed in (0, 1)]
    data = replace(parts[0].data, splits=parts[0].data.splits | {"val": parts[0].data.splits["val"][:1]})
    cfg = run_config("device=cpu", "task=regression", "data=diabetes", "model=linear")
    stack = stack_of([build(cfg, data), build(cfg, data)])
    alone = build(cfg, data).task
    for full in (False, True):
        assert set(stack.evaluate("val", full)) == set(alone.evaluate("val", full).metrics)


def test_a_log_has_each_line_once_a_run(tmp_path: Path) -> None:
    for run in ("one", "two"):
        with log_to(tmp_path / f"{run}.log"):
            for _ in range(3):
                fast.regression(torch.zeros(1), torch.ones(1))
                logging.getLogger("mlcli").warning("other lines come as often as they are written")
        lines = (tmp_path / f"{run}.log").read_text().splitlines()
        assert sum("r2 is left out: it takes two examples or more" in line for line in lines) == 1
        assert len(lines) == 4


def test_a_run_that_is_judged_by_one_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    main(["-q", "task=regression", "data=diabetes", "model=linear", "split.test=0.003", "split.val=0.003",
          "device=cpu", "tracking=none", "trainer.epochs=1"])  # fmt: skip
    (run,) = tmp_path.glob("outputs/runs/*")
    assert read_json(run / "data.json")["examples"]["test"] == 1
    metrics = json.loads((run / "result.json").read_text(), parse_constant=pytest.fail)["metrics"]
    assert None not in metrics.values()
    assert {"val/rmse", "test/rmse"} <= set(metrics) and {"val/r2", "test/r2"}.isdisjoint(metrics)
    assert (run / "train.log").read_text().count("r2 is left out") == 1
