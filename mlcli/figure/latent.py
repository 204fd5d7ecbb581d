"""Latent spaces in the plane, coloured by class or target."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcli.figure.plot import Plot, plain
from mlcli.figure.style import BLUE, HEADER, INK, MARGIN, PALETTE, brief, legend, page, panel, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDE, LEFT, LEGEND = 4.4, 0.75, 1.3
MARKERS = "o^sDv"  # with as many colours as the palette has, each class has its own


def latent_space(
    name: str,
    panels: Mapping[str, tuple[np.ndarray, Sequence[str]]],
    labels: np.ndarray | None,
    classes: Sequence[str],
    total: int,
) -> Plot:
    """A panel for each N × 2 points with the names of their axes, by title.

    labels: N names of classes, or numbers if there are no classes; total: the number of examples, of which N are
    shown.
    """
    each = [{"name": title, "points": plain(points), "axes": list(axes)} for title, (points, axes) in panels.items()]
    data = {
        "panels": each,
        "classes": list(classes),
        "total": total,
        "labels": [] if labels is None else plain(labels),
    }
    return Plot(name, render_latent_space, data)


def render_latent_space(panels: list[dict[str, Any]], labels: list[Any], classes: list[str], total: int) -> "Figure":
    """panels: {"name", "points": N × 2, "axes": names of both}. Labels are names of classes, or numbers."""
    colour_note = "; colour: class" if classes else "; colour: target" if labels else ""
    note = f"{_count(len(panels[0]['points']), total)}{colour_note} (not used in training)" if colour_note else ""
    extra, above = LEGEND if labels else 0.0, 0.3 if panels[0]["name"] else 0.05
    width = MARGIN + len(panels) * (LEFT + SIDE + 0.15) + extra
    figure = page(width, 0.6 + SIDE + above + HEADER, "Latent space", note or _count(len(panels[0]["points"]), total))
    for place, each in enumerate(panels):
        left = MARGIN + LEFT + place * (LEFT + SIDE + 0.15)
        axes = panel(figure, left, 0.6, SIDE, SIDE, *each["axes"])
        axes.set_title(each["name"], size=9.5, color=INK, loc="left")
        points, last = np.array(each["points"], dtype=float), place == len(panels) - 1
        if classes and labels:
            _classes(axes, points, np.array(labels), classes, last)
        else:
            _numbers(axes, points, labels, last)
    return figure


def _classes(axes: "Axes", points: np.ndarray, labels: np.ndarray, classes: list[str], named: bool) -> None:
    """Points by class, each with its name where most of it is."""
    handles = []
    for place, name in enumerate(classes):
        own = points[labels == name]
        colour, marker = PALETTE[place % len(PALETTE)], MARKERS[place // len(PALETTE) % len(MARKERS)]
        handles.append(
            axes.scatter(own[:, 0], own[:, 1], s=14, color=colour, marker=marker, linewidths=0, alpha=0.75)
        )
    for name in classes if len(classes) <= 2 * len(PALETTE) else ():
        own = points[labels == name]
        if len(own):
            _name(axes, np.median(own, 0), shorten(name, 12))
    if named:
        legend(axes, handles, [shorten(name, 14) for name in classes], "class")


def _name(axes: "Axes", place: np.ndarray, name: str) -> None:
    from matplotlib.patheffects import withStroke

    text = axes.text(place[0], place[1], name, size=11, weight="bold", color=INK, ha="center", va="center", zorder=5)
    text.set_path_effects([withStroke(linewidth=3, foreground="white")])


def _numbers(axes: "Axes", points: np.ndarray, labels: list[float], named: bool) -> None:
    """Points by a number: the darker, the larger."""
    if not labels:
        axes.scatter(points[:, 0], points[:, 1], s=14, color=BLUE, linewidths=0, alpha=0.6)
        return
    values = np.array(labels, dtype=float)
    drawn = axes.scatter(points[:, 0], points[:, 1], s=14, c=values, cmap="viridis_r", linewidths=0, alpha=0.8)
    if named:
        shades = np.linspace(values.min(), values.max(), 5)
        handles = [axes.scatter([], [], s=14, color=drawn.to_rgba(value)) for value in shades]
        legend(axes, handles, [brief(float(f"{value:.3g}")) for value in shades], "target")


def _count(shown: int, total: int) -> str:
    return f"{total:,} examples" if shown == total else f"{shown:,} of {total:,} examples"
