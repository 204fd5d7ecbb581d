"""Plots of a clustering. N examples of D features, K clusters."""

from collections.abc import Mapping, Sequence

import numpy as np

from mlcli.evenly import evenly_spaced
from mlcli.figure import clustering as figure
from mlcli.figure.plot import Plot
from mlcli.metric.clustering import SAMPLED, silhouettes
from mlcli.metric.projection import principal_plane

PANELS = 6  # of iterations


def plots(
    points: np.ndarray, labels: np.ndarray, centroids: np.ndarray, known: np.ndarray | None, classes: Sequence[str]
) -> list[Plot]:
    """clusters in the plane, beside the classes where those are known (N names), and silhouettes, where defined."""
    chosen = evenly_spaced(len(points), SAMPLED)
    plane = Plane(points)
    sizes = np.bincount(labels, minlength=len(centroids))
    made = [
        figure.clusters(
            plane(points[chosen]), labels[chosen], plane(centroids), sizes, plane.names,
            None if known is None else known[chosen], classes,
        )
    ]  # fmt: skip
    values = silhouettes(points, labels)
    if values is not None:
        by_cluster = [np.sort(values[labels[chosen] == label])[::-1] for label in range(labels[chosen].max() + 1)]
        made.append(figure.silhouettes(by_cluster, float(values.mean()), len(points)))
    return made


def iterations(points: np.ndarray, centroids: Sequence[np.ndarray]) -> Plot:
    """iterations: the examples and the K × D centroids at the start and after some of the iterations."""
    chosen = points[evenly_spaced(len(points), SAMPLED)]
    plane, last = Plane(points), len(centroids) - 1
    panels = []
    for iteration in sorted({0, 1, 2, last // 4, last // 2, last} & set(range(last + 1)))[:PANELS]:
        squares = np.square(chosen[:, None] - centroids[iteration]).sum(-1)
        loss = float(squares.min(1).mean())
        panels.append((iteration, squares.argmin(1), plane(centroids[iteration]), loss))
    return figure.iterations(plane(chosen), panels, plane.names)


def labellings(
    points: np.ndarray, labels: Mapping[str, np.ndarray], names: Sequence[str], title: str, note: str
) -> Plot:
    """labellings: N × D examples in the plane, a panel for each labelling: N indices of `names`, by its title."""
    chosen, plane = evenly_spaced(len(points), SAMPLED), Plane(points)
    panels = {name: own[chosen] for name, own in labels.items()}
    return figure.labellings(plane(points[chosen]), panels, plane.names, names, title, note)


class Plane:
    """The plane of two features, or of the first two principal components of more than two."""

    def __init__(self, points: np.ndarray) -> None:
        if points.shape[1] <= 2:
            self.mean, self.axes = np.zeros(points.shape[1]), np.eye(points.shape[1], 2)
            self.names = ["feature 1", "feature 2"]
            return
        self.mean, self.axes, share = principal_plane(points)
        self.names = [f"component {i + 1} ({share[i]:.0%} of variance)" for i in (0, 1)]

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """M × D → M × 2."""
        projected: np.ndarray = ((points - self.mean) @ self.axes).round(4)
        return projected
