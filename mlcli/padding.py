"""Padding of sequences at their end: steps whose D values are all NaN, or tokens 0. B sequences, T steps."""

import torch
from torch import Tensor


def steps_of(inputs: Tensor) -> Tensor:
    """Mask B × T of the steps that are not padding at the end, from B × T × D values or B × T tokens."""
    count = torch.arange(1, inputs.shape[1] + 1, device=inputs.device)
    lengths: Tensor = (_filled(inputs) * count).amax(1)
    return count <= lengths.unsqueeze(1)


def broken(inputs: Tensor) -> Tensor:
    """Which sequences are empty or have a gap, B booleans: padding before the end, or a step with some values
    missing."""
    own = steps_of(inputs)
    gaps = own & ~_filled(inputs)
    if inputs.is_floating_point():
        gaps |= own & inputs.isnan().any(2)
    return gaps.any(1) | ~own.any(1)


def _filled(inputs: Tensor) -> Tensor:
    return ~inputs.isnan().all(2) if inputs.is_floating_point() else inputs != 0
