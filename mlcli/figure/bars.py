"""Scores from 0 to 1 as groups of bars, with their values above them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcli.figure.plot import Plot, plain
from mlcli.figure.style import GREY, HEADER, INK, MARGIN, PALETTE, legend, page, panel, room, shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BAR, HEIGHT, BETWEEN = 0.34, 3.0, 0.25  # inches
LONGEST = 36  # characters of a name
COLOURS = (GREY, *PALETTE)  # grey is the baseline


def bars(name: str, title: str, note: str, groups: Sequence[str], scores: Mapping[str, Sequence[float]]) -> Plot:
    """A group of bars for each of the G `groups`; `scores` gives each bar's name and its G values."""
    data = {"title": title, "note": note, "groups": list(groups), "scores": {k: plain(v) for k, v in scores.items()}}
    return Plot(name, render_bars, data)


def render_bars(title: str, note: str, groups: list[str], scores: dict[str, list[float | None]]) -> "Figure":
    """scores: by name, a value from 0 to 1 for each group."""
    step = BAR * len(scores) + BETWEEN
    left, width = MARGIN + 0.6, step * len(groups)
    figure = page(left + width + 0.5 + room(list(scores), LONGEST), 0.45 + HEIGHT + HEADER, title, note)
    axes = panel(figure, left, 0.45, width, HEIGHT)
    handles: list[Any] = []
    for place, values in enumerate(scores.values()):
        known = np.array(values, dtype=float)
        at = np.arange(len(groups)) * step + BETWEEN / 2 + (place + 0.5) * BAR
        handles.append(axes.bar(at, known, width=BAR * 0.92, color=COLOURS[place % len(COLOURS)]))
        for x, value in zip(at, known, strict=True):
            if np.isfinite(value):
                axes.text(x, value + 0.01, f"{value:.2f}", size=8, color=INK, ha="center", va="bottom")
    axes.set_xticks((np.arange(len(groups)) + 0.5) * step, [shorten(name, LONGEST) for name in groups])
    axes.tick_params(axis="x", length=0, labelcolor=INK)
    axes.grid(False, axis="x")
    axes.set_xlim(0, width)
    axes.set_ylim(0, 1.06)
    legend(axes, handles, [shorten(name, LONGEST) for name in scores])
    return figure
