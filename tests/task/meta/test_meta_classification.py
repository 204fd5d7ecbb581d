"""Meta-learning of classes: episodes in the place of groups."""

from typing import Any

import pytest
import torch
from torch.nn import functional as F

from mlcli.run.build import Parts, build
from mlcli.run.stacked import build_trials, stack_of
from tests.configs import run_config

GLYPHS = [
    "task=meta_learning", "data=glyphs", "split.by=class", "model=cnn", "model.width=4", "model.norm=layer_norm",
    "task.shots=1", "task.queries=2", "task.tasks=3", "task.steps=4", "task.evaluation_tasks=20",
    "task.evaluation_steps=[0,2]", "task.inner_lr=0.1", "device=cpu",
]  # fmt: skip


def parts_of(*overrides: str) -> Parts:
    return build(run_config(*GLYPHS, *overrides))


def test_an_evaluation_is_of_episodes_and_names_their_classes() -> None:
    parts = parts_of()
    evaluation = parts.task.evaluate("test", full=True)
    metrics, columns = {name: float(each) for name, each in evaluation.metrics.items()}, evaluation.columns
    assert len(columns["index"]) == 20 * 5 * 3
    queries = columns["role"] == "query"
    assert queries.mean() == pytest.approx(2 / 3)
    assert metrics["after_0_accuracy"] == pytest.approx((columns["prediction"] == columns["target"])[queries].mean())
    assert metrics["accuracy"] == pytest.approx((columns["adapted"] == columns["target"])[queries].mean())
    classes = {name: set(columns["target"][columns["task"] == name]) for name in range(20)}
    assert all(len(own) == 5 for own in classes.values())
    assert all(told in classes[task] for task, told in zip(columns["task"], columns["adapted"], strict=True))
    train = set(parts.data.examples.targets[parts.data.splits["train"]].tolist())
    assert not train & set(parts.data.examples.targets[columns["index"]].tolist())
    assert {plot.name for plot in evaluation.plots()} == {"loss_by_inner_step", "accuracy_by_inner_step"}


def test_the_loss_is_cross_entropy() -> None:
    task: Any = parts_of().task
    outputs, targets = torch.randn(6, 5), torch.tensor([0, 4, 2, 2, 1, 3])
    assert torch.isclose(task.problem.loss(outputs, targets), F.cross_entropy(outputs, targets))
    scores = task.problem.scores(outputs.view(1, 2, 3, 5), targets.view(2, 3))
    expected = F.cross_entropy(outputs, targets, reduction="none").view(2, 3).mean(1)
    assert torch.allclose(scores["loss"], expected) and scores["accuracy"].shape == (1, 2)


def test_stacked_equals_alone() -> None:
    trials = (["task.inner_lr=0.05"], ["trainer.seed=1"])
    cfgs = [run_config(*GLYPHS, "model.activation=tanh", *own) for own in trials]
    alone, stacked = build_trials(cfgs), build_trials(cfgs)
    for parts in (*alone, *stacked):
        parts.model.double()
        loader: Any = parts.task.loader  # type: ignore[attr-defined]  # that it has
        loader.inputs = loader.inputs.double()
    stack = stack_of(stacked)
    for batch in stack.batches(0):
        stack.step(batch)
    stack.write_back()
    for one, other in zip(stacked, alone, strict=True):
        for batch in other.task.batches(0):
            other.task.step(batch)
        for mine, theirs in zip(one.model.parameters(), other.model.parameters(), strict=True):
            assert torch.allclose(mine, theirs, rtol=1e-8, atol=1e-10)
