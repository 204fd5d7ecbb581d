"""Random numbers that a stack of trials can replace by each trial's own.

A module that samples has an attribute `random`, which is the function here, and calls it in `forward`; a stack puts a
function in its place that fills the tensors of each trial from that trial's generator.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Fill = Callable[[Tensor, torch.Generator | None], Tensor]  # fills a tensor in place; None: torch's global generator


def random(like: Tensor, fill: Fill) -> Tensor:
    """A new tensor with the shape, dtype and device of `like`, filled with random numbers."""
    return fill(torch.empty(like.shape, dtype=like.dtype, device=like.device), None)


def normal(tensor: Tensor, generator: torch.Generator | None) -> Tensor:
    """Standard normal numbers."""
    return tensor.normal_(generator=generator)


def uniform(tensor: Tensor, generator: torch.Generator | None) -> Tensor:
    """Uniform numbers from 0 up to 1."""
    return tensor.uniform_(generator=generator)
