"""Curves of several things over each other."""

from typing import TYPE_CHECKING, Any

import numpy as np

from mlcli.figure.style import GREY, HEADER, INK, MARGIN, PALETTE, legend, log_scale, page, panel, room

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTHS = {1: 5.0, 2: 3.9}  # inches of a panel by their number
NARROW, HEIGHT = 3.3, 3.2
LEFT, BOTTOM = MARGIN + 0.65, 0.6
COLOURS = (*PALETTE, INK)
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)))  # one round of the colours each
POINTS = 16  # a curve with at most so many has its points marked


def panels(title: str, note: str, panels: list[dict[str, Any]], named: str) -> "Figure":
    """A panel each, side by side, with one legend to the right."""
    names = list(dict.fromkeys(name for each in panels for name in each["curves"]))
    width = WIDTHS.get(len(panels), NARROW)
    right = 0.75 + room([*names, named], 30) if len(names) > 1 else 0.3
    figure = page((LEFT + width) * len(panels) + right, BOTTOM + HEIGHT + HEADER, title, note)
    handles: dict[str, Artist] = {}
    for place, each in enumerate(panels):
        axes = panel(figure, LEFT + place * (LEFT + width), BOTTOM, width, HEIGHT, each["x"], each["y"])
        if each["level"] is not None:
            axes.axhline(each["level"], color=GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        for x in each["at"]:
            axes.axvline(x, color=GREY, linewidth=1.2, linestyle=(0, (1, 1.5)), zorder=1)
        for name, curve in each["curves"].items():
            handles.setdefault(name, _draw(axes, curve, names.index(name)))
        _scales(axes, each)
    if len(names) > 1:
        legend(axes, [handles[name] for name in names], names, named)
    return figure


def _draw(axes: "Axes", curve: dict[str, Any], place: int) -> "Artist":
    """The place among all names decides on colour and dashes."""
    colour = COLOURS[place % len(COLOURS)]
    dashes = DASHES[place // len(COLOURS) % len(DASHES)]
    x, y = np.array(curve["x"], dtype=float), np.array(curve["y"], dtype=float)
    marker = "o" if len(x) <= POINTS else ""
    if curve["spread"] is not None:
        spread = np.array(curve["spread"], dtype=float)
        axes.fill_between(x, y - spread, y + spread, color=colour, alpha=0.13, linewidth=0, zorder=2)
    return axes.plot(x, y, color=colour, linestyle=dashes, linewidth=1.6, marker=marker, markersize=3.5, zorder=3)[0]


def _scales(axes: "Axes", each: dict[str, Any]) -> None:
    from matplotlib.ticker import MaxNLocator

    for which in "xy":
        values = [value for curve in each["curves"].values() for value in curve[which] if value is not None]
        positive = [value for value in values if value > 0]
        if which in each["log"] and positive:
            axes.set(**{f"{which}lim": (min(positive) / 1.15, max(positive) * 1.15)})
            _log_scale(axes, which, positive)
        elif which == "x" and all(float(value).is_integer() for value in values):
            axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))


def _log_scale(axes: "Axes", which: str, values: list[float]) -> None:
    """Across there is no room for long numbers at 1, 2 and 5 of many decades."""
    if which == "x" and max(values) / min(values) > 100:
        axes.set_xscale("log")
    else:
        log_scale(axes, which, values)
