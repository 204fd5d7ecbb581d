"""Curves of several things over each other, in one panel or a few side by side that share their colours."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcli.figure.plot import Plot, plain
from mlcli.figure.style import GREY, HEADER, INK, MARGIN, PALETTE, legend_below, log_scale, page, panel, room, widths
from mlcli.figure.style import legend as add_legend

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTHS = {1: 4.6, 2: 2.65, 3: 1.75}  # inches of a panel, by the number of panels in a row
HEIGHT = 2.8
LEFT, BOTTOM = MARGIN + 0.65, 0.6
LEGEND_LINE = 0.2
COLOURS = (*PALETTE, INK)
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)))  # one round of the colours each
POINTS = 16  # markers are plotted for curves with at most this number of points


@dataclass(frozen=True)
class Curve:
    """y over x; of repeated runs the mean, with `spread`, their standard deviation, at each x."""

    x: Sequence[float]
    y: Sequence[float | None]
    spread: Sequence[float] | None = None

    @staticmethod
    def mean(x: Sequence[float], repeats: Sequence[Sequence[float | None]]) -> "Curve":
        """The mean of repeated runs at the same x. Raises ValueError if they differ in length."""
        if len({len(x), *map(len, repeats)}) > 1:
            raise ValueError("repeats of different lengths have no mean curve")
        values = np.array(repeats, dtype=float)
        spread = plain(values.std(0, ddof=1)) if len(repeats) > 1 else None
        return Curve(list(x), plain(values.mean(0)), spread)


@dataclass(frozen=True)
class Panel:
    """Named curves in one pair of axes, labelled x and y.

    log: the logarithmic axes, such as "xy"; level: the height of a dashed horizontal line; at: the places of dotted
    vertical lines.
    """

    x: str
    y: str
    curves: Mapping[str, Curve]
    log: str = ""
    level: float | None = None
    at: Sequence[float] = ()


def panels(name: str, title: str, note: str, of: Sequence[Panel], legend: str = "") -> Plot:
    """Panels side by side; `legend` is the title of their common legend."""
    data: dict[str, Any] = {"title": title, "note": note, "panels": [asdict(each) for each in of], "named": legend}
    return Plot(name, render_panels, data)


def render_panels(title: str, note: str, panels: list[dict[str, Any]], named: str) -> "Figure":
    """Panels in rows of up to three, with one legend: to the right of a single panel, otherwise below."""
    names = list(dict.fromkeys(name for each in panels for name in each["curves"]))
    columns = min(len(panels), max(WIDTHS))
    rows, width = -(-len(panels) // columns), WIDTHS[columns]
    legend_lines = _legend_lines(names, (LEFT + width) * columns) if len(names) > 1 and len(panels) > 1 else 0
    right = 0.75 + room([*names, named], 30) if len(names) > 1 and len(panels) == 1 else 0.3
    low = LEGEND_LINE * (legend_lines + bool(legend_lines and named)) + BOTTOM
    figure = page((LEFT + width) * columns + right, low + rows * HEIGHT + (rows - 1) * BOTTOM + HEADER, title, note)
    handles: dict[str, Artist] = {}
    for place, each in enumerate(panels):
        row, column = divmod(place, columns)
        bottom = low + (rows - 1 - row) * (HEIGHT + BOTTOM)
        axes = panel(figure, LEFT + column * (LEFT + width), bottom, width, HEIGHT, each["x"], each["y"])
        if each["level"] is not None:
            axes.axhline(each["level"], color=GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        for x in each["at"]:
            axes.axvline(x, color=GREY, linewidth=1.2, linestyle=(0, (1, 1.5)), zorder=1)
        for name, thickness in zip(each["curves"], widths(len(each["curves"])), strict=True):
            curve = each["curves"][name]
            handles.setdefault(name, _plot_curve(axes, curve, names.index(name), thickness))
        _scales(axes, each)
    if legend_lines:
        legend_below(figure, [handles[name] for name in names], names, named, -(-len(names) // legend_lines))
    elif len(names) > 1:
        add_legend(axes, [handles[name] for name in names], names, named)
    return figure


def _legend_lines(names: list[str], width: float) -> int:
    """The number of lines of a legend with equally wide columns, in a width in inches."""
    across = max(1, int(width / (0.6 + room(names, 30))))
    return -(-len(names) // across)


def _plot_curve(axes: "Axes", curve: dict[str, Any], place: int, width: float) -> "Artist":
    """`place`, the position among all names, selects colour and dashes."""
    colour = COLOURS[place % len(COLOURS)]
    dashes = DASHES[place // len(COLOURS) % len(DASHES)]
    x, y = np.array(curve["x"], dtype=float), np.array(curve["y"], dtype=float)
    marker = "o" if len(x) <= POINTS else ""
    if curve["spread"] is not None:
        spread = np.array(curve["spread"], dtype=float)
        axes.fill_between(x, y - spread, y + spread, color=colour, alpha=0.13, linewidth=0, zorder=2)
    look = {"color": colour, "linestyle": dashes, "linewidth": width, "marker": marker, "markersize": 3.5}
    return axes.plot(x, y, **look, zorder=3)[0]


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
    """The x axis has no room for long labels at 1, 2 and 5 of many decades."""
    if which == "x" and max(values) / min(values) > 100:
        axes.set_xscale("log")
    else:
        log_scale(axes, which, values)
