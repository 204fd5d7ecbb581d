"""Padding: what fills up a sequence of fewer than T steps at its end. A step is padding if all its numbers are NaN;
of tokens, if it is 0. B sequences, T steps, D numbers a step."""

import torch
from torch import Tensor


def steps_of(inputs: Tensor) -> Tensor:
    """Which steps belong to their sequence, B × T, from B × T × D numbers or B × T tokens: all up to the last one
    that is not padding."""
    count = torch.arange(1, inputs.shape[1] + 1, device=inputs.device)
    lengths: Tensor = (_filled(inputs) * count).amax(1)
    return count <= lengths.unsqueeze(1)


def broken(inputs: Tensor) -> Tensor:
    """Which sequences are empty or have a gap, B booleans: a step of padding before the end, or a step of which some
    numbers are missing."""
    own = steps_of(inputs)
    gaps = own & ~_filled(inputs)
    if inputs.is_floating_point():
        gaps |= own & inputs.isnan().any(2)
    return gaps.any(1) | ~own.any(1)


def _filled(inputs: Tensor) -> Tensor:
    return ~inputs.isnan().all(2) if inputs.is_floating_point() else inputs != 0
