"""The decision regions of a classifier of two features. N examples, C classes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

CELLS = 150  # along each side of the grid
EDGE = 0.08  # of the examples' range, by which the grid extends beyond them

Probabilities = Callable[[np.ndarray], np.ndarray]  # float32 M × 2 → M × C
Classes = Callable[[np.ndarray], np.ndarray]  # float32 M × 2 → M class indices


@dataclass(frozen=True)
class Regions:
    """Predicted class and its probability at CELLS × CELLS points of an even grid, from y[0] up, x[0] to the right;
    accuracy on the examples."""

    x: tuple[float, float]
    y: tuple[float, float]
    predicted: np.ndarray
    probability: np.ndarray
    accuracy: float


def decision_regions(
    inputs: np.ndarray, targets: np.ndarray, predict: Probabilities, classify: Classes | None = None
) -> Regions:
    """Around N × 2 inputs with N class indices. classify: the predicted classes, by default the most probable."""
    classify = classify or (lambda points: predict(points).argmax(1))
    low, high = inputs.min(0), inputs.max(0)
    margin = EDGE * np.where(high > low, high - low, 1)
    across, down = np.linspace(low - margin, high + margin, CELLS).T
    grid = np.stack(np.meshgrid(across, down), -1).reshape(-1, 2).astype(np.float32)
    probabilities, predicted = predict(grid), classify(grid)
    return Regions(
        (float(across[0]), float(across[-1])),
        (float(down[0]), float(down[-1])),
        predicted.reshape(CELLS, CELLS),
        np.take_along_axis(probabilities, predicted[:, None], 1).reshape(CELLS, CELLS).astype(np.float64),
        float((classify(inputs) == targets).mean()),
    )
