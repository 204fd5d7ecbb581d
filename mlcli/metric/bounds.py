"""Least and largest possible values of metrics, within which their confidence intervals stay."""

from fnmatch import fnmatchcase
from math import inf

from mlcli.metric.direction import without_split

SHARE = (0.0, 1.0)
BOUNDS: dict[str, tuple[float, float]] = {
    "matthews_corrcoef": (-1.0, 1.0),
    "ari": (-1.0, 1.0),
    "ami": (-1.0, 1.0),
    "silhouette": (-1.0, 1.0),
    "r2": (-inf, 1.0),
    "explained_variance": (-inf, 1.0),
    **dict.fromkeys(("mse", "rmse", "mae", "inertia"), (0.0, inf)),
    **dict.fromkeys(("accuracy", "*_accuracy", "precision_*", "recall_*", "f1_*"), SHARE),
    **dict.fromkeys(("precision/*", "recall/*", "f1/*", "roc_auc", "average_precision"), SHARE),
    **dict.fromkeys(("homogeneity", "success_rate", "explained_variance_ratio"), SHARE),
}


def clip(metric: str, value: float) -> float:
    """The value, or the closest possible one: an interval of Student's t around a mean accuracy may go beyond 1."""
    name = without_split(metric)
    low, high = next((both for pattern, both in BOUNDS.items() if fnmatchcase(name, pattern)), (-inf, inf))
    return min(max(value, low), high)
