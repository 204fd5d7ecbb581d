"""Principal components of examples, all at once or batch after batch, in double precision.

Shapes: N examples, B of a batch, D features, R = min(N, D) components, K of them kept.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mlcli.precise import precise


@dataclass(frozen=True)
class Components:
    """mean: D; axes: R × D, orthonormal, the most important first; singular: R, so that singular² / (count − 1) are
    the variances along them; spread: D, sums of squared distances from the mean; count: examples so far."""

    mean: Tensor
    axes: Tensor
    singular: Tensor
    spread: Tensor
    count: int

    @property
    def variances(self) -> Tensor:
        return self.singular.square() / max(self.count - 1, 1)

    @property
    def total(self) -> Tensor:
        """The variance of all features together."""
        return self.spread.sum() / max(self.count - 1, 1)


def components(points: Tensor) -> Components:
    """Of all N × D points at once, by singular value decomposition."""
    points = precise(points)
    mean = points.mean(0)
    centred = points - mean
    return Components(mean, *_axes(centred), centred.square().sum(0), len(points))


def extended(known: Components | None, points: Tensor, kept: int) -> Components:
    """What is known, if anything, and B × D points more, with the `kept` leading components of both.

    Ross, Lim, Lin and Yang (2008), "Incremental learning for robust visual tracking": the points, the components so
    far as if they were points, and the way between both means, are decomposed together.
    """
    if known is None:
        first = components(points)
        return replace(first, axes=first.axes[:kept], singular=first.singular[:kept])
    points = precise(points)
    own, count = points.mean(0), known.count + len(points)
    mean = known.mean + (own - known.mean) * (len(points) / count)
    way = (known.count * len(points) / count) ** 0.5 * (own - known.mean)
    together = torch.cat([known.singular[:, None] * known.axes, points - own, way[None]])
    axes, singular = _axes(together)
    spread = known.spread + (points - own).square().sum(0) + way.square()
    return Components(mean, axes[:kept], singular[:kept], spread, count)


def _axes(rows: Tensor) -> tuple[Tensor, Tensor]:
    """R × D right singular vectors and R singular values. The largest number of each vector is positive, since
    either sign would do."""
    _, singular, axes = torch.linalg.svd(rows, full_matrices=False)
    largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))
    return axes * largest.sign(), singular
