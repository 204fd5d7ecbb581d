"""Two interleaving half circles in the plane, which are not linearly separable."""

from math import pi
from typing import Annotated

import torch

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples
from mlcli.loading.points_2d import class_sizes, noisy_points, polar_to_xy


def moons(
    examples: Annotated[int, Range(10)] = 1000, noise: Annotated[float, Range(0)] = 0.15, seed: int = 0
) -> Examples:
    """Half circles of radius 1, the second upside down with its centre at (1, 0.5), as scikit-learn's make_moons."""
    first, second = (torch.linspace(0, pi, share, dtype=torch.float64) for share in class_sizes(examples, 2))
    upper = polar_to_xy(first)
    lower = torch.tensor([1.0, 0.5]) - polar_to_xy(second)
    return noisy_points("moons", [upper, lower], noise, seed)
