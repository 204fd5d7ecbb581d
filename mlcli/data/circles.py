"""Two concentric circles in the plane: not linearly separable, but separable by the distance from the centre."""

from math import pi
from typing import Annotated

import torch

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples
from mlcli.loading.points_2d import class_sizes, noisy_points, polar_to_xy


def circles(
    examples: Annotated[int, Range(10)] = 1000,
    noise: Annotated[float, Range(0)] = 0.1,
    factor: Annotated[float, Range(0, 1, high_open=True)] = 0.5,
    seed: int = 0,
) -> Examples:
    """Class 0 on a circle of radius 1, class 1 on one of radius `factor`, as scikit-learn's make_circles."""
    steps = [torch.arange(share, dtype=torch.float64) / share for share in class_sizes(examples, 2)]
    outer, inner = (polar_to_xy(2 * pi * step) for step in steps)
    return noisy_points("circles", [outer, factor * inner], noise, seed)
