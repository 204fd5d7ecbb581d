"""Precision, recall and F1 of a binary classifier by its decision threshold."""

from typing import TYPE_CHECKING

import numpy as np

from mlcli.figure.plot import Plot, plain
from mlcli.figure.style import BLUE, GREEN, HEADER, INK, MARGIN, VERMILLION, legend, page, panel, shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 5.0, 3.4


def threshold(thresholds: np.ndarray, rates: np.ndarray, chosen: float, name: str, split: str) -> Plot:
    """threshold: precision, recall and F1 of the class `name` (thresholds × 3), with the chosen threshold marked."""
    columns = zip(("precision", "recall", "f1"), rates.T, strict=True)
    data = {
        "thresholds": plain(thresholds),
        **{rate: plain(column.round(5)) for rate, column in columns},
        "chosen": chosen,
        "name": name,
        "split": split,
    }
    return Plot("threshold", render_threshold, data)


def render_threshold(
    thresholds: list[float], precision: list[float | None], recall: list[float | None], f1: list[float | None],
    chosen: float, name: str, split: str,
) -> "Figure":  # fmt: skip
    """Three curves over the thresholds from 0 to 1, and a line at the chosen one."""
    note = f"{split} split; predicted {name} from the threshold on"
    figure = page(MARGIN + 0.6 + WIDTH + 1.3, HEIGHT + 0.6 + HEADER, f"Threshold · {chosen:.3f} chosen", note)
    axes = panel(figure, MARGIN + 0.55, 0.6, WIDTH, HEIGHT, f"threshold: probability of {shorten(name, 24)}", "")
    curves = {"precision": (precision, BLUE), "recall": (recall, VERMILLION), "F1": (f1, GREEN)}
    handles = [
        axes.plot(thresholds, np.array(values, dtype=float), color=colour, linewidth=1.6)[0]
        for values, colour in curves.values()
    ]
    handles.append(axes.axvline(chosen, color=INK, linewidth=1.2, linestyle=(0, (4, 3))))
    legend(axes, handles, [*curves, "chosen"])
    axes.set(xlim=(-0.012, 1.012), ylim=(-0.012, 1.03))
    return figure
