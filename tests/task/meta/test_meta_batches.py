"""Trials of meta-learning stacked against the same trials alone."""

from typing import Any

import pytest
import torch

from mlcli.run.build import Parts
from mlcli.run.stacked import build_trials, stack_of
from mlcli.train.loop import Epoch, Plan, Progress, fit, fit_trials
from tests.configs import run_config

COMMON = [
    "task=meta_learning", "data.tasks=60", "model.width=8", "model.norm=none", "model.activation=tanh",
    "task.tasks=4", "task.steps=10", "device=cpu",
]  # fmt: skip
TRIALS = (
    ["optimizer.lr=0.001", "task.inner_lr=0.02"],
    ["optimizer.lr=0.004", "task.inner_lr=0.005", "trainer.seed=1"],
    ["optimizer.lr=0.002", "task.inner_lr=0.01", "trainer.seed=2", "split.seed=1"],
)
PLAN = Plan(epochs=3, monitor="val/loss", higher=False)


def parts_of(overrides: list[str]) -> list[Parts]:
    cfgs = [run_config(*COMMON, *overrides, *own) for own in TRIALS]
    made = build_trials(cfgs)
    for parts in made:
        parts.model.double()
        task: Any = parts.task
        task.loader.inputs, task.loader.targets = task.loader.inputs.double(), task.loader.targets.double()
    return made


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["task.method=fomaml", "task.inner_steps=2", "trainer.clip_norm=0.5"],
        ["task.method=reptile", "task.inner_steps=3", "trainer.accumulate=2"],
        ["task.method=anil"],
        ["task.method=joint"],
        ["task.learn_inner_rate=true", "trainer.average=ema"],
    ],
)
def test_stacked_equals_alone(overrides: list[str]) -> None:
    alone, stacked = parts_of(overrides), parts_of(overrides)
    expected = [[e.metrics for e in fit(each.task, PLAN, Progress()) if isinstance(e, Epoch)] for each in alone]
    got: list[list[dict[str, float]]] = [[] for _ in stacked]
    progress = [Progress() for _ in stacked]
    for event in fit_trials(stack_of(stacked), [PLAN] * len(stacked), progress):
        if isinstance(event, Epoch):
            got[event.trial].append(event.metrics)
    for mine, theirs in zip(got, expected, strict=True):
        assert mine == [pytest.approx(epoch, rel=1e-6) for epoch in theirs]
    for one, other in zip(stacked, alone, strict=True):
        for (name, weight), theirs_too in zip(
            one.model.state_dict().items(), other.model.state_dict().values(), strict=True
        ):
            assert torch.allclose(weight, theirs_too, rtol=1e-8, atol=1e-10), name
