"""How good a clustering is, and how it looks. N examples of D features, K clusters."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlcli.figure import clustering as figures_clustering
from mlcli.figure.plot import Plot, plain
from mlcli.metric.plane import principal_plane
from mlcli.metric.undefined import left_out

SHOWN = 2000  # most examples that are drawn, or compared with each other for silhouettes
PANELS = 6  # of iterations


def scores(points: np.ndarray, labels: np.ndarray, targets: np.ndarray | None) -> dict[str, float]:
    """silhouette (Rousseeuw 1987; of at most SHOWN examples), where there are two clusters or more. With class
    indices also adjusted Rand index, adjusted mutual information and homogeneity."""
    from sklearn import metrics

    shown = _shown(len(points))
    found: dict[str, float] = {}
    if 1 < len(np.unique(labels[shown])) < len(shown):
        found["silhouette"] = float(metrics.silhouette_score(points[shown], labels[shown]))
    else:
        left_out("silhouette", "it takes two clusters or more, and one of them with two examples")
    if targets is not None:
        found["ari"] = float(metrics.adjusted_rand_score(targets, labels))
        found["ami"] = float(metrics.adjusted_mutual_info_score(targets, labels))
        found["homogeneity"] = float(metrics.homogeneity_score(targets, labels))
    return found


def plots(
    points: np.ndarray, labels: np.ndarray, centroids: np.ndarray, known: np.ndarray | None, classes: Sequence[str]
) -> list[Plot]:
    """Clusters in the plane, beside the classes where those are known (N names), and silhouettes."""
    shown = _shown(len(points))
    plane = Plane(points)
    data: dict[str, Any] = {
        "points": plain(plane(points[shown])),
        "labels": labels[shown].tolist(),
        "centroids": plain(plane(centroids)),
        "sizes": np.bincount(labels, minlength=len(centroids)).tolist(),
        "axes": plane.names,
        "known": [] if known is None else known[shown].tolist(),
        "classes": list(classes) if known is not None else [],
    }
    drawn = [Plot("clusters", figures_clustering.clusters, data)]
    if 1 < len(np.unique(labels[shown])) < len(shown):
        drawn.append(_silhouettes(points[shown], labels[shown], len(points)))
    return drawn


def _silhouettes(points: np.ndarray, labels: np.ndarray, total: int) -> Plot:
    from sklearn.metrics import silhouette_samples

    values = silhouette_samples(points, labels)
    of_cluster = [np.sort(values[labels == label])[::-1] for label in range(labels.max() + 1)]
    data = {"values": [plain(own.round(4)) for own in of_cluster], "mean": float(values.mean()), "total": total}
    return Plot("silhouettes", figures_clustering.silhouettes, data)


def course(points: np.ndarray, centroids: Sequence[np.ndarray]) -> Plot:
    """iterations: the examples and their centres before the first iteration and after some of the next."""
    shown = _shown(len(points))
    plane, last = Plane(points), len(centroids) - 1
    at = sorted({0, 1, 2, last // 4, last // 2, last} & set(range(last + 1)))[:PANELS]
    panels = []
    for iteration in at:
        squares = np.square(points[shown][:, None] - centroids[iteration]).sum(-1)
        panels.append(
            {
                "iteration": iteration,
                "labels": squares.argmin(1).tolist(),
                "centroids": plain(plane(centroids[iteration])),
                "loss": float(squares.min(1).mean()),
            }
        )
    data = {"points": plain(plane(points[shown])), "panels": panels, "axes": plane.names}
    return Plot("iterations", figures_clustering.iterations, data)


def labellings(
    points: np.ndarray, labels: dict[str, np.ndarray], names: Sequence[str], title: str, note: str
) -> Plot:
    """labellings: the examples N × D in the same plane, once for each way to label them, N places of `names`."""
    shown, plane = _shown(len(points)), Plane(points)
    panels = [{"name": name, "labels": own[shown].tolist()} for name, own in labels.items()]
    data = {"points": plain(plane(points[shown])), "panels": panels, "axes": plane.names, "names": list(names)}
    return Plot("labellings", figures_clustering.labellings, data | {"title": title, "note": note})


class Plane:
    """The plane of two features, or of the two directions in which more vary most (principal components)."""

    def __init__(self, points: np.ndarray) -> None:
        if points.shape[1] <= 2:
            self.mean, self.axes = np.zeros(points.shape[1]), np.eye(points.shape[1], 2)
            self.names = ["feature 1", "feature 2"]
            return
        self.mean, self.axes, share = principal_plane(points)
        self.names = [f"component {i + 1} ({share[i]:.0%} of variance)" for i in (0, 1)]

    def __call__(self, points: np.ndarray) -> np.ndarray:
        flat: np.ndarray = ((points - self.mean) @ self.axes).round(4)
        return flat


def _shown(count: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, SHOWN)).round().astype(int))
