"""Means of several runs along a number that was varied, a line for each kind of run."""

from typing import TYPE_CHECKING

import numpy as np

from mlcli.metric.style import GREY, HEADER, MARGIN, PALETTE, brief, legend, page, panel, room

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 4.8, 3.4


def lines(
    title: str, note: str, x: str, y: str, at: list[float], means: dict[str, list[float]],
    deviations: dict[str, list[float]], log: bool = False,
) -> "Figure":  # fmt: skip
    """means, deviations: by name, a number for each place in `at`; a band is one deviation to both sides."""
    right = 0.7 + room(list(means), 30)
    figure = page(MARGIN + 0.75 + WIDTH + right, 0.6 + HEIGHT + HEADER, title, note)
    axes = panel(figure, MARGIN + 0.75, 0.6, WIDTH, HEIGHT, x, y)
    handles = []
    for (name, values), colour in zip(means.items(), PALETTE, strict=False):
        mean, deviation = np.array(values), np.array(deviations[name])
        axes.fill_between(at, mean - deviation, mean + deviation, color=colour, alpha=0.15, linewidth=0)
        handles += axes.plot(at, mean, color=colour, linewidth=1.8, marker="o", markersize=4.5)
    if log:
        axes.set_xscale("log")
    axes.set_xticks(at, [brief(value) for value in at], color=GREY)
    axes.minorticks_off()
    legend(axes, handles, list(means))
    return figure
