"""What forward keeps to itself, in a stack: the same as alone, or a reason to train alone; never other numbers."""

import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mlcli.cannot_stack import CannotStack
from mlcli.run.build import Parts, build
from mlcli.run.stacked import stack_of
from mlcli.traits import ModelTraits
from tests.configs import run_config


@pytest.fixture(autouse=True)
def _without_trying_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some of the modules below would be refused before a stack is built."""
    monkeypatch.setattr("mlcli.run.build.try_out", lambda *_: None)


class Own(nn.Module):
    """A classifier of digits, of which the classes below are variants."""

    traits = ModelTraits(accepts=("vector", "image"))

    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.head = nn.Linear(64, outputs)
        self.begin()

    def begin(self) -> None:
        """What it keeps."""

    def forward(self, inputs: Tensor) -> Tensor:
        scores: Tensor = self.head(inputs.flatten(1))
        return self.keep(scores)

    def keep(self, scores: Tensor) -> Tensor:
        return scores


class BufferAssigned(Own):
    def begin(self) -> None:
        self.register_buffer("ema", torch.zeros(10))

    def keep(self, scores: Tensor) -> Tensor:
        self.ema = 0.9 * self.ema + 0.1 * scores.detach().mean(0)
        return scores - self.ema


class BufferAssignedInEvaluation(BufferAssigned):
    def keep(self, scores: Tensor) -> Tensor:
        return scores if self.training else super().keep(scores)


class BufferInPlace(Own):
    def begin(self) -> None:
        self.register_buffer("ema", torch.zeros(10))

    def keep(self, scores: Tensor) -> Tensor:
        self.ema.mul_(0.9).add_(0.1 * scores.detach().mean(0))  # type: ignore[operator]  # a tensor
        return scores - self.ema  # type: ignore[operator]


class TensorAssigned(Own):
    def begin(self) -> None:
        self.ema: Any = torch.zeros(10)

    def keep(self, scores: Tensor) -> Tensor:
        self.ema = 0.9 * self.ema + 0.1 * scores.detach().mean(0)
        return scores - self.ema


class TensorCounts(Own):
    def begin(self) -> None:
        self.count = torch.zeros(())

    def keep(self, scores: Tensor) -> Tensor:
        self.count += 1
        return scores / self.count


class NumberCounts(Own):
    def begin(self) -> None:
        self.count = 0

    def keep(self, scores: Tensor) -> Tensor:
        self.count += 1
        return scores / self.count


class ListGrows(Own):
    def begin(self) -> None:
        self.seen: list[float] = []

    def keep(self, scores: Tensor) -> Tensor:
        self.seen.append(1.0)
        return scores / len(self.seen)


class NestedCounts(Own):
    def begin(self) -> None:
        self.seen = {"calls": [0]}

    def keep(self, scores: Tensor) -> Tensor:
        self.seen["calls"][0] += 1
        return scores / self.seen["calls"][0]


class ArrayCounts(Own):
    def begin(self) -> None:
        self.calls = np.zeros(1)

    def keep(self, scores: Tensor) -> Tensor:
        self.calls += 1
        return scores / float(self.calls[0])


class NumpyDraws(Own):
    def keep(self, scores: Tensor) -> Tensor:
        return scores * float(np.random.rand())


class PythonDraws(Own):
    def keep(self, scores: Tensor) -> Tensor:
        return scores if random.random() < 0.5 else scores * 2


class OwnDraws(Own):
    def begin(self) -> None:
        self.generator: Any = np.random.default_rng(0)

    def keep(self, scores: Tensor) -> Tensor:
        return scores * self.generator.random()


class OwnRandomDraws(OwnDraws):
    def begin(self) -> None:
        self.generator = random.Random(0)


class OwnRandomStateDraws(OwnDraws):
    def begin(self) -> None:
        self.generator = np.random.RandomState(0)

    def keep(self, scores: Tensor) -> Tensor:
        return scores * self.generator.rand()


def parts_of(kind: type[Own]) -> list[Parts]:
    common = ["device=cpu", "data=digits", "model=linear", f"model._target_={__name__}.{kind.__name__}"]
    return [build(run_config(*common, f"optimizer.lr={rate}")) for rate in (0.01, 0.003)]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (BufferAssigned, "replaces the buffer ema"),
        (BufferAssignedInEvaluation, "replaces the buffer ema"),
        (TensorAssigned, "assigns model.ema"),
        (TensorCounts, "assigns model.count"),
        (NumberCounts, "assigns model.count"),
        (ListGrows, "assigns model.seen"),
        (NumpyDraws, "random generator that all trials share"),
        (PythonDraws, "random generator that all trials share"),
        (NestedCounts, "assigns model.seen"),
        (ArrayCounts, "assigns model.calls"),
        (OwnDraws, "assigns model.generator"),
        (OwnRandomDraws, "assigns model.generator"),
        (OwnRandomStateDraws, "assigns model.generator"),
    ],
)
def test_what_a_stack_would_lose_trains_alone(kind: type[Own], reason: str) -> None:
    with pytest.raises(CannotStack, match=reason):
        stack = stack_of(parts_of(kind))
        stack.step(next(iter(stack.batches(0))))
        stack.evaluate("val", False)


def test_a_buffer_changed_in_place_is_each_trials_own() -> None:
    alone, stacked = parts_of(BufferInPlace), parts_of(BufferInPlace)
    for each in alone:
        for batch in each.task.batches(0):
            each.task.step(batch)
    stack = stack_of(stacked)
    for batch in stack.batches(0):
        stack.step(batch)
    stack.write_back()
    for one, other in zip(stacked, alone, strict=True):
        for name, tensor in one.model.state_dict().items():
            torch.testing.assert_close(tensor, other.model.state_dict()[name], rtol=1e-4, atol=1e-5)
