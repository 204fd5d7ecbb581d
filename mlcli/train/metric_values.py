"""Metrics as plain numbers."""

from collections.abc import Mapping, Sequence
from math import nan
from typing import Any

import torch
from torch import Tensor


def to_floats(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Metrics as plain numbers, with one transfer from the device for all tensors."""
    tensors = {name: value for name, value in metrics.items() if isinstance(value, Tensor)}
    numbers = torch.stack([value.float() for value in tensors.values()]).tolist() if tensors else []
    plain = dict(zip(tensors, numbers, strict=True))
    return {name: float(plain.get(name, value)) for name, value in metrics.items()}


def collect_metrics(each: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """The metrics of several trials by name, a number per trial: NaN where a metric is undefined for that trial."""
    names = dict.fromkeys(name for metrics in each for name in metrics)
    return {name: [float(metrics.get(name, nan)) for metrics in each] for name in names}
