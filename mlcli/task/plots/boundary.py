"""Decision boundaries of classifiers of two features. N examples."""

from collections.abc import Sequence

import numpy as np

from mlcli.figure import boundary
from mlcli.figure.plot import Plot
from mlcli.metric.boundary import Classes, Probabilities, decision_regions


def decision_boundary(
    inputs: np.ndarray,
    targets: np.ndarray,
    classes: Sequence[str],
    features: Sequence[str],
    predict: Probabilities,
    classify: Classes | None = None,
) -> Plot:
    """decision_boundary, from N × 2 inputs with N class indices, the model's probabilities (M × 2 → M × C) and its
    predicted classes (M × 2 → M), by default the most probable ones."""
    found = decision_regions(inputs, targets, predict, classify)
    grid = (found.x, found.y, found.predicted, found.probability)
    return boundary.decision_boundary(inputs, targets, classes, features, grid, found.accuracy)
