"""Accuracy and loss by position in a sequence. T positions."""

from typing import TYPE_CHECKING

import numpy as np

from mlcli.figure.plot import Plot, plain
from mlcli.figure.style import BLUE, GREY, HEADER, MARGIN, PALE, page, panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 5.4, 3.2


def accuracy_by_position(values: np.ndarray, count: np.ndarray, overall: float) -> Plot:
    """accuracy_by_position: the accuracy at each position, NaN where there is none, of `count` predictions."""
    data = {"values": plain(values), "count": count.tolist(), "overall": overall}
    return Plot("accuracy_by_position", render_accuracy_by_position, data)


def loss_by_position(values: np.ndarray, count: np.ndarray, overall: float, unit: str) -> Plot:
    """loss_by_position: the cross-entropy of the next token, in bits per `unit`, after each position."""
    data = {"values": plain(values), "count": count.tolist(), "overall": overall, "unit": unit}
    return Plot("loss_by_position", render_loss_by_position, data)


def render_accuracy_by_position(values: list[float | None], count: list[int], overall: float) -> "Figure":
    figure, axes = _page(f"Accuracy by position · {overall:.3f} overall", count, values, "accuracy")
    axes.axhline(overall, color=PALE, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    known = [value for value in values if value is not None]
    axes.set_ylim(max(min(known, default=0.0) - 0.05, 0.0), min(max(known, default=1.0) + 0.05, 1.01))
    return figure


def render_loss_by_position(values: list[float | None], count: list[int], overall: float, unit: str) -> "Figure":
    title = f"Loss by position · {overall:.3f} bits per {unit}"
    figure, axes = _page(title, count, values, f"bits per {unit}")
    axes.axhline(overall, color=PALE, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    axes.set_ylim(bottom=0)
    return figure


def _page(title: str, count: list[int], values: list[float | None], y: str) -> "tuple[Figure, Axes]":
    fewest, most = min(filter(None, count), default=0), max(count)
    examples = f"{most:,} examples" if fewest == most else f"{fewest:,} to {most:,} examples per position"
    figure = page(MARGIN + 0.75 + WIDTH + 0.3, 0.6 + HEIGHT + HEADER, title, f"{examples}; dashed: mean")
    axes = panel(figure, MARGIN + 0.75, 0.6, WIDTH, HEIGHT, "position", y)
    positions = np.arange(1, len(values) + 1)
    known = np.array([np.nan if value is None else value for value in values])
    axes.plot(positions, known, color=BLUE, linewidth=1.6, marker="o" if len(values) <= 60 else "", markersize=3.5)
    axes.set_xlim(1 - 0.02 * len(values), len(values) * 1.02)
    axes.tick_params(labelcolor=GREY)
    return figure, axes
