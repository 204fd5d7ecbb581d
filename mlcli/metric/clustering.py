"""How good a clustering is. N examples of D features."""

import numpy as np

from mlcli.evenly import evenly_spaced
from mlcli.metric.undefined import left_out

SAMPLED = 2000  # most examples whose silhouettes are computed, which compares each with all others


def scores(points: np.ndarray, labels: np.ndarray, targets: np.ndarray | None) -> dict[str, float]:
    """silhouette (Rousseeuw 1987; of at most SAMPLED examples), where there are two clusters or more. With class
    indices also the adjusted Rand index, the adjusted mutual information and the homogeneity."""
    from sklearn import metrics

    found: dict[str, float] = {}
    chosen = evenly_spaced(len(points), SAMPLED)
    if _has_silhouettes(labels[chosen]):
        found["silhouette"] = float(metrics.silhouette_score(points[chosen], labels[chosen]))
    else:
        left_out("silhouette", "it takes two clusters or more, and one of them with two examples")
    if targets is not None:
        found["ari"] = float(metrics.adjusted_rand_score(targets, labels))
        found["ami"] = float(metrics.adjusted_mutual_info_score(targets, labels))
        found["homogeneity"] = float(metrics.homogeneity_score(targets, labels))
    return found


def silhouettes(points: np.ndarray, labels: np.ndarray) -> np.ndarray | None:
    """The silhouette of each of at most SAMPLED examples, evenly spaced over N; None where they are not defined."""
    from sklearn.metrics import silhouette_samples

    chosen = evenly_spaced(len(points), SAMPLED)
    if not _has_silhouettes(labels[chosen]):
        return None
    values: np.ndarray = silhouette_samples(points[chosen], labels[chosen])
    return values


def _has_silhouettes(labels: np.ndarray) -> bool:
    return 1 < len(np.unique(labels)) < len(labels)
