"""Code of users may sample from the global generators of Python and NumPy, and the trial's seed determines them."""

import copy
import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mlcli.cannot_stack import CannotStack
from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.loading.dataset import Examples
from mlcli.run.build import Parts, build
from mlcli.run.stacked import stack_of
from tests.configs import run_config


def noise() -> Examples:
    numbers = np.random.randn(60, 3) + random.random()
    targets = torch.arange(60) % 2
    return Examples("noise", "vector", torch.tensor(numbers, dtype=torch.float32), targets, classes=("a", "b"))


class Noisy(nn.Module):
    """Initial weights from NumPy, and noise from Python in training."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        weight = torch.tensor(np.random.randn(outputs, *input_shape), dtype=torch.float32)
        self.weight = nn.Parameter(weight)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs = inputs @ self.weight.T
        return outputs * random.uniform(0.5, 2.0) if self.training else outputs


def sampled(y_true: Any, y_pred: Any) -> float:
    return float(np.random.rand())


def parts_of(*overrides: str) -> Parts:
    random.seed()
    np.random.seed(None)  # whatever came before
    with hydra_session() as hydra:
        own = ["device=cpu", f"data._target_={__name__}.noise", f"model._target_={__name__}.Noisy"]
        return build(to_run(compose(hydra, [*own, *overrides])))


def trained(parts: Parts) -> list[float]:
    losses = [parts.task.step(batch)["loss"] for epoch in range(2) for batch in parts.task.batches(epoch)]
    return [float(loss) for loss in losses]


def test_the_same_command_has_the_same_numbers() -> None:
    first, again, other = parts_of(), parts_of(), parts_of("trainer.seed=1")
    assert torch.equal(first.data.examples.inputs, again.data.examples.inputs)
    assert torch.equal(first.data.examples.inputs, other.data.examples.inputs)
    assert trained(first) == trained(again) != trained(other)


def test_the_epoch_determines_them_too() -> None:
    first, second = parts_of(), parts_of()
    trained(first)
    second.task.load_state_dict(copy.deepcopy(first.task.state_dict()))
    random.seed(5)
    continued = [[float(own.task.step(batch)["loss"]) for batch in own.task.batches(2)] for own in (first, second)]
    assert continued[0] == continued[1]


def test_trials_that_share_a_generator_do_not_stack() -> None:
    with pytest.raises(CannotStack, match="samples from a random generator that all trials share"):
        stack = stack_of([parts_of(), parts_of("trainer.seed=1")])
        stack.step(next(iter(stack.batches(0))))
    own = ["model=linear", f"metrics.m._target_={__name__}.sampled"]
    parts = [build(run_config("data=iris", "device=cpu", *own)) for _ in range(2)]
    with pytest.raises(CannotStack, match="a metric samples from a random generator"):
        stack_of(parts).evaluate("val", full=False)
