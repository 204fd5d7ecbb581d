"""Where a classifier of two features draws the line: its answers on a grid over the plane. N examples, C classes."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from mlcli.figure import boundary as figures_boundary
from mlcli.figure.plot import Plot, plain

CELLS = 150  # along each side of the grid
EDGE = 0.08  # of the examples' range, that the grid reaches beyond them
POINTS = 1000  # most examples that are drawn
TILE = ("x", "y", "predicted", "probability", "points", "targets")

Probabilities = Callable[[np.ndarray], np.ndarray]


def decision_boundary(
    inputs: np.ndarray, targets: np.ndarray, classes: Sequence[str], features: Sequence[str], answer: Probabilities
) -> Plot:
    """decision_boundary, from inputs N × 2 with their class indices N, and the model: float32 M × 2 → M × C."""
    low, high = inputs.min(0), inputs.max(0)
    margin = EDGE * np.where(high > low, high - low, 1)
    across, down = np.linspace(low - margin, high + margin, CELLS).T
    grid = np.stack(np.meshgrid(across, down), -1).reshape(-1, 2).astype(np.float32)
    probabilities = answer(grid)
    shown = np.unique(np.linspace(0, len(inputs) - 1, min(len(inputs), POINTS)).round().astype(int))
    data = {
        "x": [float(across[0]), float(across[-1])],
        "y": [float(down[0]), float(down[-1])],
        "predicted": probabilities.argmax(1).reshape(CELLS, CELLS).tolist(),
        "probability": plain(probabilities.max(1).reshape(CELLS, CELLS).astype(np.float64).round(2)),
        "points": plain(inputs[shown].astype(np.float64).round(4)),
        "targets": targets[shown].tolist(),
        "accuracy": float((answer(inputs).argmax(1) == targets).mean()),
        "classes": list(classes),
        "features": list(features) or ["feature 1", "feature 2"],
    }
    return Plot("decision_boundary", figures_boundary.decision_boundary, data)


def boundaries(name: str, title: str, note: str, of: Mapping[str, Plot]) -> Plot:
    """Decision boundaries of several models of the same plane side by side, by what stands above each."""
    first = next(iter(of.values())).data
    tiles = [{"name": above} | {key: plot.data[key] for key in TILE} for above, plot in of.items()]
    data = {"title": title, "note": note, "tiles": tiles, "classes": first["classes"], "features": first["features"]}
    return Plot(name, figures_boundary.boundaries, data)
