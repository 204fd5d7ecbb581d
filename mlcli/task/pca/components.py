"""Principal components of examples, all at once or batch by batch, in double precision.

Shapes: N examples, B of a batch, D features, R = min(N, D) components, K of them kept.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mlcli.precise import precise


@dataclass(frozen=True)
class PrincipalComponents:
    """mean: D; axes: R × D, orthonormal, by decreasing variance; singular: R singular values, whose squares divided
    by count − 1 are the variances along the axes; spread: D, sums of squared deviations from the mean; count:
    examples so far."""

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
        """The sum of the variances of all features."""
        return self.spread.sum() / max(self.count - 1, 1)


def principal_components(points: Tensor) -> PrincipalComponents:
    """Of N × D points, by singular value decomposition."""
    points = precise(points)
    mean = points.mean(0)
    centred = points - mean
    return PrincipalComponents(mean, *_decompose(centred), centred.square().sum(0), len(points))


def extend_components(known: PrincipalComponents | None, points: Tensor, kept: int) -> PrincipalComponents:
    """The `kept` leading components of all points so far and B × D more.

    Incremental PCA (Ross, Lim, Lin and Yang 2008, "Incremental learning for robust visual tracking") decomposes the
    scaled components so far, the centred new points, and the difference of both means together.
    """
    if known is None:
        first = principal_components(points)
        return replace(first, axes=first.axes[:kept], singular=first.singular[:kept])
    points = precise(points)
    batch_mean, count = points.mean(0), known.count + len(points)
    mean = known.mean + (batch_mean - known.mean) * (len(points) / count)
    correction = (known.count * len(points) / count) ** 0.5 * (batch_mean - known.mean)
    rows = torch.cat([known.singular[:, None] * known.axes, points - batch_mean, correction[None]])
    axes, singular = _decompose(rows)
    spread = known.spread + (points - batch_mean).square().sum(0) + correction.square()
    return PrincipalComponents(mean, axes[:kept], singular[:kept], spread, count)


def _decompose(rows: Tensor) -> tuple[Tensor, Tensor]:
    """R × D right singular vectors and R singular values. The sign of a vector is arbitrary: its largest number is
    made positive."""
    _, singular, axes = torch.linalg.svd(rows, full_matrices=False)
    largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))
    return axes * largest.sign(), singular
