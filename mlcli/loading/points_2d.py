"""What the synthetic classes in the plane share: points at places that a formula gives, and noise around them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mlcli.loading.dataset import Examples


def noisy_points(name: str, places: Sequence[Tensor], noise: float, seed: int) -> Examples:
    """places: for each class the points n × 2 without noise, to which normal noise of this deviation is added."""
    generator = torch.Generator().manual_seed(seed)
    points = torch.cat([place.float() for place in places])
    labels = [torch.full((len(place),), label) for label, place in enumerate(places)]
    return Examples(
        name=name,
        kind="vector",
        inputs=points + noise * torch.randn(points.shape, generator=generator),
        targets=torch.cat(labels),
        classes=tuple(str(label) for label in range(len(places))),
        features=("x", "y"),
        target="class",
        source=f"synthetic, seed {seed}",
    )


def class_sizes(examples: int, classes: int) -> list[int]:
    """How many examples each class gets: as equal as can be, the later ones one more."""
    return [(examples + label) // classes for label in range(classes)]


def polar_to_xy(angle: Tensor, radius: Tensor | float = 1.0) -> Tensor:
    """Angles n in radians and radii → points n × 2."""
    return torch.stack([radius * angle.cos(), radius * angle.sin()], 1)
