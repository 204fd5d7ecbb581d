"""Intertwined spirals in the plane: the two-spirals problem (Lang and Witbrock 1988) for any number of arms."""

from math import pi
from typing import Annotated

import torch

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples
from mlcli.loading.points_2d import class_sizes, noisy_points, polar_to_xy


def spirals(
    examples: Annotated[int, Range(10)] = 1000,
    classes: Annotated[int, Range(2, 10)] = 2,
    turns: Annotated[float, Range(0, low_open=True)] = 1.5,
    noise: Annotated[float, Range(0)] = 0.02,
    seed: int = 0,
) -> Examples:
    """One arm per class, from radius 0.1 to 1 in `turns` turns; each is the previous one, rotated by 2π / classes."""
    arms = []
    for label, share in enumerate(class_sizes(examples, classes)):
        along = torch.linspace(0, 1, share, dtype=torch.float64)
        arms.append(polar_to_xy(2 * pi * (turns * along + label / classes), 0.1 + 0.9 * along))
    return noisy_points("spirals", arms, noise, seed)
