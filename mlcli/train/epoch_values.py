"""The values of the steps of an epoch, for each of the trials that train side by side.

Shapes: S steps so far, K trials ("rows").
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np
import torch
from torch import Tensor


class Diverged(ArithmeticError):
    """The loss is no longer a finite number."""


class EpochValues:
    """The values that the steps of an epoch returned. Tensors stay on the device and are read once, at its end."""

    def __init__(self, first_step: int) -> None:
        self.first_step = first_step
        self.tensors: dict[str, list[Tensor]] = {}
        self.weights: dict[str, list[float | Tensor]] = {}  # of the same steps, in the means over the epoch
        self.numbers: dict[str, Any] = {}
        self.failures: dict[int, Diverged] = {}

    def add(self, values: dict[str, Any], weight: float | Tensor) -> None:
        for name, value in values.items():
            if isinstance(value, Tensor):
                self.tensors.setdefault(name, []).append(value)
                self.weights.setdefault(name, []).append(weight)
            else:
                self.numbers[name] = value

    def read(self, count: int) -> list[dict[str, float]]:
        """Metrics per trial: weighted means of tensors over the epoch as "train/NAME", and the last plain numbers."""
        metrics: list[dict[str, float]] = [{} for _ in range(count)]
        for name, tensors in self.tensors.items():
            values = torch.stack(tensors).reshape(len(tensors), count).cpu().double()
            for row, mean in enumerate(_means(values, self.weights[name]).tolist()):
                metrics[row][f"train/{name}"] = mean
                if not isfinite(mean):
                    self._fail(row, name, values[:, row])
        for name, number in self.numbers.items():
            for row in range(count):
                metrics[row][name] = number[row] if isinstance(number, list) else number
        return metrics

    def state_dict(self, row: int = 0) -> dict[str, Any]:
        """The values of one trial: tensors S by name, and the weights of the steps as a tensor, S."""
        return {
            "first_step": self.first_step,
            "tensors": {name: _column(tensors, row) for name, tensors in self.tensors.items()},
            "weights": {name: _column(weights, row) for name, weights in self.weights.items()},
            "plain_weights": [name for name, own in self.weights.items() if not isinstance(own[0], Tensor)],
            "numbers": {name: _plain(number, row) for name, number in self.numbers.items()},
        }

    @classmethod
    def of_trials(cls, states: Sequence[Mapping[str, Any]], device: torch.device) -> "EpochValues":
        """The values of trials that train side by side from here on, one state for each; all at the same step."""
        first = states[0]
        made = cls(first["first_step"])
        for name in first["tensors"]:
            made.tensors[name] = _rows([each["tensors"][name].to(device) for each in states])
            weights = [each["weights"][name] for each in states]
            plain = name in first["plain_weights"]
            made.weights[name] = weights[0].tolist() if plain else _rows([each.to(device) for each in weights])
        for name, number in first["numbers"].items():
            made.numbers[name] = number if len(states) == 1 else [each["numbers"][name] for each in states]
        return made

    def failure(self, row: int) -> Diverged | None:
        """The first value of this trial that is not finite, and its step; None if all values are finite."""
        return self.failures.get(row)

    def _fail(self, row: int, name: str, values: Tensor) -> None:
        index = int(values.isfinite().int().argmin())
        text = f"{name} is {values[index]:g} at step {self.first_step + index + 1}: try a smaller optimizer.lr"
        self.failures.setdefault(row, Diverged(text))


def _column(values: Sequence[float | Tensor], row: int) -> Tensor:
    """S values of one of K trials."""
    if not isinstance(values[0], Tensor):
        return torch.tensor(values, dtype=torch.float64)
    stacked = torch.stack([torch.as_tensor(each) for each in values]).reshape(len(values), -1)
    return stacked[:, min(row, stacked.shape[1] - 1)]  # one weight may be that of all trials


def _rows(columns: Sequence[Tensor]) -> list[Any]:
    """K columns of S values as S tensors of K values; of one trial, S scalars."""
    return list((columns[0] if len(columns) == 1 else torch.stack(list(columns), 1)).unbind(0))


def _plain(number: Any, row: int) -> Any:
    own = number[row] if isinstance(number, list) else number
    return own.item() if isinstance(own, np.generic) else own


def _means(values: Tensor, weights: Sequence[float | Tensor]) -> Tensor:
    """Weighted means over the steps, S × K → K; the plain mean where all weights are 0."""
    if isinstance(weights[0], Tensor):
        weights_SK = torch.stack([torch.as_tensor(each) for each in weights]).reshape(len(weights), -1).cpu().double()
    elif min(weights) == max(weights):  # the usual case
        return values.mean(0)
    else:
        weights_SK = torch.tensor(weights, dtype=values.dtype).unsqueeze(1)
    total = weights_SK.sum(0)
    return torch.where(total > 0, (values * weights_SK).sum(0) / total.clamp(min=1e-300), values.mean(0))
