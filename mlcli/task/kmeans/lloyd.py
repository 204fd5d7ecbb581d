"""K-means: initial centroids, assignment and update (Lloyd 1982), for many searches side by side.

Shapes: A searches, N points, D features, K centroids, L candidates. A search with fewer than K centroids has its last
ones at infinity, where no point is assigned to them.
"""

from math import log

import torch
from torch import Tensor

from mlcli.precise import squared_distances

MAX_DISTANCES = 2**24  # that are in memory at a time
FAR = float("inf")


def initial_centroids(points: Tensor, clusters: int, starts: int, init: str, generator: torch.Generator) -> Tensor:
    """N × D points → starts × K × D.

    init: "random" chooses points without replacement. "k-means++" chooses each next centroid among the points with a
    probability proportional to the squared distance from the centroids so far (Arthur and Vassilvitskii 2007), the
    best of 2 + ln K candidates, as in scikit-learn.
    """
    if init == "random":
        chosen = [torch.randperm(len(points), generator=generator)[:clusters] for _ in range(starts)]
        return points[torch.stack(chosen).to(points.device)]
    candidates = 2 + int(log(clusters))
    first = torch.randint(len(points), (starts, 1), generator=generator).to(points.device)
    centroids, rows = [points[first[:, 0]]], torch.arange(starts, device=points.device)
    closest_AN = squared_distances(points[first], points).squeeze(1)
    for _ in range(clusters - 1):
        uniform_AL = torch.rand(starts, candidates, generator=generator, dtype=torch.float64).to(points.device)
        cumulative_AN = closest_AN.cumsum(1)
        index_AL = torch.searchsorted(cumulative_AN, uniform_AL * cumulative_AN[:, -1:]).clamp(max=len(points) - 1)
        closer_ALN = torch.minimum(closest_AN.unsqueeze(1), squared_distances(points[index_AL], points))
        best = closer_ALN.sum(-1).argmin(1)
        closest_AN = closer_ALN[rows, best]
        centroids.append(points[index_AL[rows, best]])
    return torch.stack(centroids, 1)


def assign(points: Tensor, centroids: Tensor) -> tuple[Tensor, Tensor]:
    """The nearest centroid of each point and the squared distance to it, both A × N, from points N × D or A × N × D
    and centroids A × K × D."""
    size = max(1, MAX_DISTANCES // (points.shape[-2] * centroids.shape[1]))
    parts = [
        _nearest(points[start : start + size] if points.ndim == 3 else points, centroids[start : start + size])
        for start in range(0, len(centroids), size)
    ]
    labels, distances = zip(*parts, strict=True)
    return torch.cat(labels), torch.cat(distances)


def _nearest(points: Tensor, centroids: Tensor) -> tuple[Tensor, Tensor]:
    absent = centroids[..., :1].isinf()
    squares_AKN = squared_distances(centroids.masked_fill(absent, 0.0), points)
    distances, labels = squares_AKN.masked_fill_(absent, FAR).min(1)
    return labels, distances


def cluster_sums(points: Tensor, labels: Tensor, clusters: int) -> tuple[Tensor, Tensor]:
    """The sum of the points of each cluster, A × K × D, and their number, A × K."""
    size = max(1, MAX_DISTANCES // (labels.shape[1] * clusters))
    sums, counts = [], []
    for start in range(0, len(labels), size):
        own = labels[start : start + size].unsqueeze(1)
        one_hot_AKN = points.new_zeros(len(own), clusters, labels.shape[1]).scatter_(1, own, 1.0)
        sums.append(one_hot_AKN @ (points[start : start + size] if points.ndim == 3 else points))
        counts.append(one_hot_AKN.sum(-1))
    return torch.cat(sums), torch.cat(counts)


def cluster_means(points: Tensor, labels: Tensor, centroids: Tensor) -> Tensor:
    """The mean of the points of each cluster, A × K × D; the centroid of an empty cluster stays where it is."""
    sums, counts = cluster_sums(points, labels, centroids.shape[1])
    return torch.where(counts.unsqueeze(-1) > 0, sums / counts.clamp(min=1).unsqueeze(-1), centroids)
