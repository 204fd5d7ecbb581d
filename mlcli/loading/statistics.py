"""Mean and standard deviation, for normalising inputs and targets."""

import torch
from torch import Tensor

from mlcli.loading.dataset import INDEX_KINDS


def statistics(inputs: Tensor, kind: str) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of inputs N × shape: per channel for images, else per feature, ignoring padding
    (NaN). For tokens and states, which are indices: 0 and 1."""
    if kind in INDEX_KINDS:
        return torch.zeros(1), torch.ones(1)
    return mean_and_std(inputs, {"image": (0, 2, 3), "sequence": (0, 1)}.get(kind, (0,)))


def mean_and_std(values: Tensor, dims: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation over `dims`; the first of them is dropped, the others are kept with size 1.
    Constant values get a standard deviation of 1."""
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
    # Compares extremes, because rounding of the mean may give constants a standard deviation other than 0.
    varies = (high.amax(dims, keepdim=True) > low.amin(dims, keepdim=True)) & (std > 0)
    return mean.squeeze(0), torch.where(varies, std, torch.ones_like(std)).squeeze(0)
