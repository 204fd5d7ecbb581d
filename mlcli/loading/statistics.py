"""Mean and standard deviation, by which inputs and targets are normalised."""

import torch
from torch import Tensor

from mlcli.loading.dataset import INDEX_KINDS


def statistics(inputs: Tensor, kind: str) -> tuple[Tensor, Tensor]:
    """Of N × shape inputs, for one example: per channel of images, per feature of all else. Padding (NaN) does not
    count. Tokens and states are no numbers: 0 and 1."""
    if kind in INDEX_KINDS:
        return torch.zeros(1), torch.ones(1)
    return mean_and_std(inputs, {"image": (0, 2, 3), "sequence": (0, 1)}.get(kind, (0,)))


def mean_and_std(values: Tensor, dims: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Over `dims`, the first of which is dropped and the others kept with size 1. What never varies gets a deviation
    of 1, whatever its scale; all else its own, however small."""
    missing = values.isnan()
    low = high = values
    if missing.any():
        low, high = values.masked_fill(missing, torch.inf), values.masked_fill(missing, -torch.inf)
        precise = values.double()
        mean = precise.nanmean(dims, keepdim=True)
        std = (precise - mean).square().nanmean(dims, keepdim=True).sqrt()
    else:
        # Accumulates in double precision on the CPU, whatever the type of the values.
        std, mean = torch.std_mean(values, dims, correction=0, keepdim=True)
    mean, std = mean.to(values), std.to(values)
    # Not by the deviation, which the rounding of the mean may keep from being 0.
    varies = (high.amax(dims, keepdim=True) > low.amin(dims, keepdim=True)) & (std > 0)
    return mean.squeeze(0), torch.where(varies, std, torch.ones_like(std)).squeeze(0)
