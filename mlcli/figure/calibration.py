"""Reliability diagram: the observed frequency by the predicted probability."""

from typing import TYPE_CHECKING

import numpy as np

from mlcli.figure.plot import Plot, plain
from mlcli.figure.style import BLUE, GREY, HEADER, MARGIN, PALE, page, panel, shorten
from mlcli.metric.normal import wilson

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, HEIGHT, LOW = 4.6, 3.4, 0.95


def calibration(
    of: str | None, bins: int, bin: np.ndarray, count: np.ndarray, confidence: np.ndarray, observed: np.ndarray,
    error: float,
) -> Plot:  # fmt: skip
    """calibration: of the bins in use, the index, the number of examples, the mean confidence and the observed
    frequency; of: the class whose probability it is, or None for the highest probability of each example."""
    data = {
        "of": of,
        "bins": bins,
        "bin": bin.tolist(),
        "count": count.tolist(),
        "confidence": plain(confidence),
        "observed": plain(observed),
        "error": error,
    }
    return Plot("calibration", render_calibration, data)


def render_calibration(
    of: str | None, bins: int, bin: list[int], count: list[int], confidence: list[float], observed: list[float],
    error: float,
) -> "Figure":  # fmt: skip
    """Of the bins in use: mean confidence, observed frequency with its 95 % interval, and the number of examples.

    of: the class whose probability it is, or None for the highest probability of each example.
    """
    height = 0.6 + LOW + 0.2 + HEIGHT + HEADER
    note = f"{sum(count):,} examples in {bins} bins; bars: 95 % confidence interval; dashed: perfect calibration"
    title = f"Calibration · expected calibration error {error:.3f}"
    figure = page(MARGIN + 0.6 + WIDTH + 0.45, height, title, note)
    left = MARGIN + 0.6
    upper = panel(
        figure, left, 0.6 + LOW + 0.2, WIDTH, HEIGHT, "", "accuracy" if of is None else "observed frequency"
    )
    lower = panel(figure, left, 0.6, WIDTH, LOW, _name(of), "examples")
    x, y, n = np.array(confidence), np.array(observed), np.array(count)
    low, high = wilson(y, n)
    upper.plot([0, 1], [0, 1], color=PALE, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    upper.vlines(x, low, high, color=BLUE, linewidth=1.4, alpha=0.45, zorder=2)
    upper.plot(x, y, color=BLUE, linewidth=1.4, marker="o", markersize=5, zorder=3)
    lower.bar((np.array(bin) + 0.5) / bins, n, width=0.92 / bins, color=BLUE, alpha=0.75)
    for place, times in zip(bin, count, strict=True):
        lower.text((place + 0.5) / bins, times, f"{times:,}", size=8, color=GREY, ha="center", va="bottom")
    lower.set_ylim(0, 1.22 * max(count))
    upper.set_ylim(-0.02, 1.02)
    upper.tick_params(labelbottom=False)
    for axes in (upper, lower):
        axes.set_xlim(-0.02, 1.02)
    return figure


def _name(of: str | None) -> str:
    return "probability of the predicted class" if of is None else f"probability of class {shorten(of, 24)}"
