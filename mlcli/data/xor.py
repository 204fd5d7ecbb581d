"""Exclusive or: the smallest problem that is not linearly separable (Minsky and Papert 1969)."""

from typing import Annotated

import torch

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples
from mlcli.loading.points_2d import class_sizes, noisy_points

CORNERS = (((-1, -1), (1, 1)), ((-1, 1), (1, -1)))  # of class 0, where both signs are equal, and of class 1


def xor(
    examples: Annotated[int, Range(10)] = 1000, noise: Annotated[float, Range(0)] = 0.25, seed: int = 0
) -> Examples:
    """Four Gaussian clouds around (±1, ±1). A linear classifier gets at most three of the four right."""
    places = []
    for share, corners in zip(class_sizes(examples, 2), CORNERS, strict=True):
        places.append(torch.tensor(corners).repeat_interleave(torch.tensor(class_sizes(share, 2)), dim=0))
    return noisy_points("xor", places, noise, seed)
