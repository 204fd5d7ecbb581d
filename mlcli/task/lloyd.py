"""Searches for centres, many at once. Shapes: A searches side by side, N points, D features, K centres, L candidates.

Searches with fewer than K centres have their last ones at infinity, where they win no point.
"""

from math import log

import torch
from torch import Tensor

AT_ONCE = 2**24  # distances that are held at a time
FAR = float("inf")


def begin(points: Tensor, clusters: int, starts: int, init: str, generator: torch.Generator) -> Tensor:
    """First centres, starts × K × D. "random": any points. "k-means++": each next centre is a point that is drawn
    with a chance proportional to its squared distance from the centres so far (Arthur & Vassilvitskii 2007), the best
    of 2 + ln K that are drawn, as scikit-learn does it."""
    if init == "random":
        picked = [torch.randperm(len(points), generator=generator)[:clusters] for _ in range(starts)]
        return points[torch.stack(picked).to(points.device)]
    candidates = 2 + int(log(clusters))
    first = torch.randint(len(points), (starts, 1), generator=generator).to(points.device)
    centres, rows = [points[first[:, 0]]], torch.arange(starts, device=points.device)
    closest_AN = _distances(points, points[first]).squeeze(1)
    for _ in range(clusters - 1):
        drawn = torch.rand(starts, candidates, generator=generator, dtype=torch.float64).to(points.device)
        reach = closest_AN.double().cumsum(1)
        index_AL = torch.searchsorted(reach, drawn * reach[:, -1:]).clamp(max=len(points) - 1)
        closer_ALN = torch.minimum(closest_AN.unsqueeze(1), _distances(points, points[index_AL]))
        best = closer_ALN.sum(-1).argmin(1)
        closest_AN = closer_ALN[rows, best]
        centres.append(points[index_AL[rows, best]])
    return torch.stack(centres, 1)


def _distances(points: Tensor, centres: Tensor) -> Tensor:
    """Squared, from N × D to A × L × D: A × L × N."""
    return (
        torch.stack([torch.cdist(own, points, compute_mode="donot_use_mm_for_euclid_dist") for own in centres]) ** 2
    )


def assign(points: Tensor, centroids: Tensor) -> tuple[Tensor, Tensor]:
    """The nearest centre of each point, A × N, and the squared distance to it. points: N × D, or A × N × D."""
    size = max(1, AT_ONCE // (points.shape[-2] * centroids.shape[1]))
    labels, distances = [], []
    for start in range(0, len(centroids), size):
        own = points[start : start + size] if points.ndim == 3 else points
        near, label = _squares(own, centroids[start : start + size]).min(-1)
        labels.append(label)
        distances.append(near)
    return torch.cat(labels), torch.cat(distances)


def _squares(points: Tensor, centroids: Tensor) -> Tensor:
    """Squared distances A × N × K; infinite where a centre is."""
    gone = centroids[..., 0].isinf()
    here = centroids.masked_fill(gone.unsqueeze(-1), 0.0)
    lengths = here.square().sum(-1).masked_fill(gone, FAR).unsqueeze(-2)
    squares = lengths - 2 * points @ here.mT + points.square().sum(-1, keepdim=True)
    return squares.clamp(min=0)


def sums(points: Tensor, labels: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Of the points of each centre: their sum A × K × D and their number A × K."""
    batch = points.expand(len(labels), *points.shape[-2:])
    total = batch.new_zeros(len(labels), count, batch.shape[-1])
    total.scatter_add_(1, labels.unsqueeze(-1).expand(batch.shape), batch)
    number = batch.new_zeros(len(labels), count).scatter_add_(1, labels, batch.new_ones(labels.shape))
    return total, number


def means(points: Tensor, labels: Tensor, centroids: Tensor) -> Tensor:
    """Each centre as the mean of its points; one that has none stays where it is."""
    total, number = sums(points, labels, centroids.shape[1])
    return torch.where(number.unsqueeze(-1) > 0, total / number.clamp(min=1).unsqueeze(-1), centroids)
