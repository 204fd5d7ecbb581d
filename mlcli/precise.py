"""Computations that need double precision: sums of many numbers, and small differences of large ones."""

import torch
from torch import Tensor


def precise(values: Tensor) -> Tensor:
    """Converts to float64, or to float32 on Apple's GPUs, which do not support it."""
    return values.to(torch.float32 if values.device.type == "mps" else torch.float64)


def squared_distances(points: Tensor, others: Tensor) -> Tensor:
    """… × N × D and … × M × D → … × N × M, in double precision.

    |x|² − 2 x·y + |y|² needs one matrix product, but far from the origin it is a small difference of large numbers.
    So the origin is moved to one of the points, which changes no distance.
    """
    points, others = precise(points), precise(others)
    origin = others[..., :1, :].detach()
    points, others = points - origin, others - origin
    lengths = points.square().sum(-1, keepdim=True) + others.square().sum(-1).unsqueeze(-2)
    return torch.sub(lengths, points @ others.mT, alpha=2).clamp(min=0)
