"""Synthetic classes in the plane: points on curves, with Gaussian noise."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mlcli.loading.dataset import Examples


def noisy_points(name: str, means: Sequence[Tensor], noise: float, seed: int) -> Examples:
    """Examples of vectors in the plane. means: the points n × 2 of each class, to which Gaussian noise with standard
    deviation `noise` is added."""
    generator = torch.Generator().manual_seed(seed)
    points = torch.cat([own.float() for own in means])
    labels = [torch.full((len(own),), label) for label, own in enumerate(means)]
    return Examples(
        name=name,
        kind="vector",
        inputs=points + noise * torch.randn(points.shape, generator=generator),
        targets=torch.cat(labels),
        classes=tuple(str(label) for label in range(len(means))),
        features=("x", "y"),
        target="class",
        source=f"synthetic, seed {seed}",
    )


def class_sizes(examples: int, classes: int) -> list[int]:
    """The number of examples per class, equal up to one; later classes get the additional ones."""
    return [(examples + label) // classes for label in range(classes)]


def polar_to_xy(angle: Tensor, radius: Tensor | float = 1.0) -> Tensor:
    """Angles n in radians and radii → points n × 2."""
    return torch.stack([radius * angle.cos(), radius * angle.sin()], 1)
