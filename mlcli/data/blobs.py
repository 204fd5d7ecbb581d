"""Isotropic Gaussian clouds of points, one per class, in any number of dimensions."""

from typing import Annotated

import torch

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples
from mlcli.loading.points_2d import class_sizes


def blobs(
    examples: Annotated[int, Range(10)] = 1000,
    classes: Annotated[int, Range(2)] = 3,
    features: Annotated[int, Range(1)] = 2,
    noise: Annotated[float, Range(0)] = 1.0,
    seed: int = 0,
) -> Examples:
    """Centres are uniform in a cube from −10 to 10. noise: standard deviation of each dimension around them."""
    generator = torch.Generator().manual_seed(seed)
    centres = 20 * torch.rand(classes, features, generator=generator) - 10
    targets = torch.arange(classes).repeat_interleave(torch.tensor(class_sizes(examples, classes)))
    return Examples(
        name="blobs",
        kind="vector",
        inputs=centres[targets] + noise * torch.randn(examples, features, generator=generator),
        targets=targets,
        classes=tuple(str(label) for label in range(classes)),
        features=("x", "y") if features == 2 else tuple(f"x{i}" for i in range(features)),
        target="class",
        source=f"synthetic, seed {seed}",
    )
