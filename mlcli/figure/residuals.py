"""Residuals of a regression, and predictions against targets. N examples."""

from typing import TYPE_CHECKING, Any

import numpy as np

from mlcli.evenly import evenly_spaced
from mlcli.figure.plot import Plot, plain
from mlcli.figure.style import BLUE, HEADER, MARGIN, PALE, brief, page, panel, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 2000  # most examples of a scatter plot


def residuals(targets: np.ndarray, predictions: np.ndarray, target: str, rmse: float, bias: float) -> Plot:
    """residuals: N targets and N predictions; rmse and bias are those of all N, `target` is their name and unit."""
    data = _shown(targets, predictions, target) | {"rmse": rmse, "bias": bias}
    return Plot("residuals", render_residuals, data)


def predicted_against_true(targets: np.ndarray, predictions: np.ndarray, target: str, r2: float | None) -> Plot:
    """predicted_against_true: N targets and N predictions."""
    data = _shown(targets, predictions, target) | {"r2": r2}
    return Plot("predicted_against_true", render_predicted_against_true, data)


def _shown(targets: np.ndarray, predictions: np.ndarray, target: str) -> dict[str, Any]:
    chosen = evenly_spaced(len(targets), POINTS)
    points = {"true": plain(targets[chosen]), "predicted": plain(predictions[chosen])}
    return points | {"target": target, "total": len(targets)}


def render_residuals(
    true: list[float], predicted: list[float], target: str, total: int, rmse: float, bias: float
) -> "Figure":
    """true − predicted against predicted, and the distribution of the residuals beside it."""
    y, p = np.array(true), np.array(predicted)
    error = y - p
    title = f"Residuals · RMSE {brief(rmse)}, mean {brief(bias)}"
    figure = page(7.2, 3.4 + 0.6 + HEADER, title, _note(len(y), total))
    left = MARGIN + 0.75
    axes = panel(figure, left, 0.6, 4.6, 3.4, f"predicted {shorten(target, 40)}", "true − predicted")
    _points(axes, p, error)
    axes.axhline(0, color=PALE, linewidth=1.2, zorder=1)
    beside = panel(figure, left + 4.75, 0.6, 1.2, 3.4, "examples")
    limit = float(np.abs(error).max()) * 1.06 or 1.0
    bins = np.linspace(-limit, limit, 32)
    beside.hist(error, bins=bins.tolist(), orientation="horizontal", color=BLUE, alpha=0.75)
    beside.axhline(0, color=PALE, linewidth=1.2)
    beside.tick_params(labelleft=False)
    for each in (axes, beside):
        each.set_ylim(-limit, limit)
    return figure


def render_predicted_against_true(
    true: list[float], predicted: list[float], target: str, total: int, r2: float | None
) -> "Figure":
    """A point an example on two equal axes; on the dashed line predictions are exact."""
    y, p = np.array(true), np.array(predicted)
    number = "" if r2 is None else f" · R² {r2:.3f}"
    note = f"{_note(len(y), total)}; dashed: perfect prediction"
    figure = page(MARGIN + 0.8 + 4.4 + 0.3, 4.4 + 0.6 + HEADER, f"Predicted against true{number}", note)
    name = shorten(target, 40)
    axes = panel(figure, MARGIN + 0.8, 0.6, 4.4, 4.4, f"true {name}", f"predicted {name}")
    low, high = float(min(y.min(), p.min())), float(max(y.max(), p.max()))
    pad = 0.04 * (high - low) or 1.0
    axes.plot([low, high], [low, high], color=PALE, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
    _points(axes, y, p)
    axes.set_xlim(low - pad, high + pad)
    axes.set_ylim(low - pad, high + pad)
    return figure


def _points(axes: "Axes", x: np.ndarray, y: np.ndarray) -> None:
    """Fainter and smaller the more there are."""
    alpha = float(np.clip(12 / np.sqrt(len(x)), 0.2, 0.75))
    size = 5.0 if len(x) <= 500 else 3.5
    axes.plot(x, y, linestyle="", marker="o", markersize=size, color=BLUE, alpha=alpha, markeredgewidth=0, zorder=2)


def _note(shown: int, total: int) -> str:
    return f"{total:,} examples" if shown == total else f"{shown:,} of {total:,} examples shown"
