"""ROC and precision-recall curves, of one class or of each against the rest."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcli.figure.plot import Plot, plain
from mlcli.figure.style import FAINT, GREY, HEADER, INK, MARGIN, PALE, PALETTE, legend, page, panel, shorten, widths

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Points = tuple[np.ndarray, np.ndarray, float]  # x and y of a curve, and the area under it
Curve = dict[str, Any]
POINTS = 200  # most points of a curve
COLOURED = 6  # up to here every class has a colour of its own, beyond it only the weakest
WEAKEST = 4
SIDE = 4.0


def roc(curves: Mapping[str, Points]) -> Plot:
    """roc: by class, the true-positive rate over the false-positive rate."""
    data = [_thinned(name, *points, len(curves)) for name, points in curves.items()]
    return Plot("roc", render_roc, {"curves": data})


def precision_recall(curves: Mapping[str, Points], prevalence: Mapping[str, float]) -> Plot:
    """precision_recall: by class, the precision over the recall; `prevalence` is the share of the class."""
    data = [_thinned(name, *points, len(curves)) | {"share": prevalence[name]} for name, points in curves.items()]
    return Plot("precision_recall", render_precision_recall, {"curves": data})


def _thinned(name: str, x: np.ndarray, y: np.ndarray, area: float, count: int) -> Curve:
    """A curve with few enough points, evenly spaced along it: the picture looks the same and the file stays small."""
    most = max(POINTS * 10 // max(count, 10), 30)
    if len(x) > most:
        along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
        keep = np.unique(np.searchsorted(along, np.linspace(0, along[-1], most)).clip(max=len(x) - 1))
        x, y = x[keep], y[keep]
    return {"name": name, "area": float(area), "x": plain(x.round(5)), "y": plain(y.round(5))}


def render_roc(curves: list[Curve]) -> "Figure":
    """curves: name, area, x (false-positive rate), y (true-positive rate)."""
    figure, axes = _page(curves, "ROC", "AUC", "false-positive rate", "true-positive rate")
    axes.plot([0, 1], [0, 1], color=PALE, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    handles = _curves(axes, curves, "default")
    _label(axes, handles, curves, "AUC")
    if _corner(curves):
        _zoom(axes, curves, (0.44, 0.12), (-0.006, 0.2), (0.8, 1.006), "default")
    return figure


def render_precision_recall(curves: list[Curve]) -> "Figure":
    """curves: name, area (average precision), share (of the class), x (recall), y (precision)."""
    figure, axes = _page(curves, "Precision and recall", "average precision", "recall", "precision")
    chance = float(np.mean([curve["share"] for curve in curves]))
    axes.axhline(chance, color=PALE, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    handles = _curves(axes, curves, "steps-pre")
    _label(axes, handles, curves, "AP")
    if _corner(curves):
        _zoom(axes, curves, (0.12, 0.22 if chance < 0.18 else 0.12), (0.8, 1.006), (0.8, 1.006), "steps-pre")
    return figure


def _page(curves: list[Curve], title: str, area: str, x: str, y: str) -> "tuple[Figure, Axes]":
    mean = float(np.mean([curve["area"] for curve in curves]))
    several = len(curves) > 1
    heading = f"{title} · {'mean ' if several else ''}{area} {mean:.3f}"
    note = f"one-vs-rest, {len(curves)} classes" if several else f"class {curves[0]['name']}"
    figure = page(MARGIN + 0.6 + SIDE + 2.5, SIDE + 0.65 + HEADER, heading, f"{note}; dashed: chance")
    axes = panel(figure, MARGIN + 0.55, 0.6, SIDE, SIDE, x, y)
    axes.set_xlim(-0.012, 1.012)
    axes.set_ylim(-0.012, 1.012)
    return figure, axes


def _highlighted(curves: list[Curve]) -> list[int]:
    """Positions of the curves with colours, the weakest first where there are too many."""
    if len(curves) <= COLOURED:
        return list(range(len(curves)))
    return [int(i) for i in np.argsort([curve["area"] for curve in curves], kind="stable")[:WEAKEST]]


def _curves(axes: "Axes", curves: list[Curve], style: str) -> "list[Artist]":
    """Plots all; returns those with colours, then one of the rest."""
    coloured = _highlighted(curves)
    rest = [curve for i, curve in enumerate(curves) if i not in coloured]
    handles: list[Artist] = []
    for place, (i, width) in enumerate(zip(coloured, widths(len(coloured)), strict=True)):
        handles += axes.plot(
            curves[i]["x"], curves[i]["y"], color=PALETTE[place], linewidth=width, drawstyle=style, zorder=3,
            solid_joinstyle="round",
        )  # fmt: skip
    for curve in rest:
        grey = axes.plot(curve["x"], curve["y"], color=PALE, linewidth=0.9, alpha=0.8, drawstyle=style, zorder=2)
    return [*handles, *(grey if rest else [])]


def _label(axes: "Axes", handles: "list[Artist]", curves: list[Curve], area: str) -> None:
    coloured = _highlighted(curves)
    labels = [f"class {shorten(curves[i]['name'], 16)} ({area} {curves[i]['area']:.4f})" for i in coloured]
    rest = [curve["area"] for i, curve in enumerate(curves) if i not in coloured]
    if rest:
        labels.append(f"{len(rest)} other classes\n({area} {min(rest):.4f} to {max(rest):.4f})")
    legend(axes, handles, labels, "lowest" if rest else "")


def _corner(curves: list[Curve]) -> bool:
    """Whether all curves keep to the upper corner, which then deserves a closer look."""
    return all(curve["area"] > 0.93 for curve in curves)


def _zoom(
    axes: "Axes",
    curves: list[Curve],
    place: tuple[float, float],
    x: tuple[float, float],
    y: tuple[float, float],
    style: str,
) -> None:
    close = axes.inset_axes((*place, 0.5, 0.5), zorder=5)
    _curves(close, curves, style)
    close.set_xlim(*x)
    close.set_ylim(*y)
    close.set_xticks([tick for tick in (0, 0.1, 0.2, 0.8, 0.9, 1) if x[0] <= tick <= x[1]])
    close.set_yticks([0.8, 0.9, 1])
    close.grid(True, color=FAINT, linewidth=0.8)
    close.tick_params(labelsize=8.5, color=PALE, labelcolor=GREY, length=2)
    for spine in close.spines.values():
        spine.set_color(PALE)
    close.set_title("corner, enlarged", size=9, color=INK, loc="left", pad=4, backgroundcolor="white")
