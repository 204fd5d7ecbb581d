"""Searches for centres, many at once. Shapes: A searches side by side, N points, D features, K centres, L candidates.

Searches with fewer than K centres have their last ones at infinity, where they win no point.
"""

from math import log

import torch
from torch import Tensor

from mlcli.precise import squared_distances

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
    closest_AN = squared_distances(points[first], points).squeeze(1)
    for _ in range(clusters - 1):
        drawn = torch.rand(starts, candidates, generator=generator, dtype=torch.float64).to(points.device)
        reach = closest_AN.cumsum(1)
        index_AL = torch.searchsorted(reach, drawn * reach[:, -1:]).clamp(max=len(points) - 1)
        closer_ALN = torch.minimum(closest_AN.unsqueeze(1), squared_distances(points[index_AL], points))
        best = closer_ALN.sum(-1).argmin(1)
        closest_AN = closer_ALN[rows, best]
        centres.append(points[index_AL[rows, best]])
    return torch.stack(centres, 1)


def assign(points: Tensor, centroids: Tensor) -> tuple[Tensor, Tensor]:
    """The nearest centre of each point, A × N, and the squared distance to it. points: N × D, or A × N × D."""
    size = max(1, AT_ONCE // (points.shape[-2] * centroids.shape[1]))
    found = [
        _nearest(points[start : start + size] if points.ndim == 3 else points, centroids[start : start + size])
        for start in range(0, len(centroids), size)
    ]
    labels, distances = zip(*found, strict=True)
    return torch.cat(labels), torch.cat(distances)


def _nearest(points: Tensor, centroids: Tensor) -> tuple[Tensor, Tensor]:
    gone = centroids[..., :1].isinf()
    squares_AKN = squared_distances(centroids.masked_fill(gone, 0.0), points)
    distances, labels = squares_AKN.masked_fill_(gone, FAR).min(1)
    return labels, distances


def sums(points: Tensor, labels: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Of the points of each centre: their sum A × K × D and their number A × K."""
    size = max(1, AT_ONCE // (labels.shape[1] * count))
    totals, numbers = [], []
    for start in range(0, len(labels), size):
        own = labels[start : start + size].unsqueeze(1)
        belongs_AKN = points.new_zeros(len(own), count, labels.shape[1]).scatter_(1, own, 1.0)
        totals.append(belongs_AKN @ (points[start : start + size] if points.ndim == 3 else points))
        numbers.append(belongs_AKN.sum(-1))
    return torch.cat(totals), torch.cat(numbers)


def means(points: Tensor, labels: Tensor, centroids: Tensor) -> Tensor:
    """Each centre as the mean of its points; one that has none stays where it is."""
    total, number = sums(points, labels, centroids.shape[1])
    return torch.where(number.unsqueeze(-1) > 0, total / number.clamp(min=1).unsqueeze(-1), centroids)
