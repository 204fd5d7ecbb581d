"""What single precision would lose: sums of many numbers, and small differences of large ones."""

import torch
from torch import Tensor


def precise(values: Tensor) -> Tensor:
    """As float64, or float32 on Apple's GPUs, which have nothing better."""
    return values.to(torch.float32 if values.device.type == "mps" else torch.float64)


def squared_distances(points: Tensor, others: Tensor) -> Tensor:
    """… × N × D and … × M × D → … × N × M, in double precision.

    |x|² − 2 x·y + |y|² takes one matrix product, but far from the origin it is a small difference of large numbers:
    so all points are measured from one of them, which changes no distance.
    """
    points, others = precise(points), precise(others)
    origin = others[..., :1, :].detach()
    points, others = points - origin, others - origin
    lengths = points.square().sum(-1, keepdim=True) + others.square().sum(-1).unsqueeze(-2)
    return torch.sub(lengths, points @ others.mT, alpha=2).clamp(min=0)
