"""A network before and after adaptation to tasks, each of which is a curve. T tasks, P points, G of a grid."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot, plain
from mlcli.figure.style import (
    BLUE,
    GREY,
    HEADER,
    INK,
    MARGIN,
    PALE,
    SKY,
    VERMILLION,
    blank,
    legend_above,
    page,
    panel,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS, WIDE, TALL = 3, 2.5, 1.7
BETWEEN, ABOVE = 0.25, 0.35
SHADES = (GREY, SKY, BLUE)  # before, then more and more steps


def adaptation(
    names: Sequence[str],
    grid: np.ndarray,
    curves: Mapping[int, np.ndarray],
    points: tuple[np.ndarray, np.ndarray],
    shots: int,
    axes: tuple[str, str],
) -> Plot:
    """adaptation: the predictions of T tasks at G grid points after each number of inner steps (T × G), and their
    points T × P (inputs, targets); the first `shots` points are the support."""
    inputs, targets = points
    data = {
        "title": "Before and after adaptation",
        "names": list(names),
        "grid": plain(grid),
        "curves": {str(steps): plain(each) for steps, each in curves.items()},
        "inputs": plain(inputs),
        "targets": plain(targets),
        "shots": shots,
        "axes": list(axes),
    }
    return Plot("adaptation", render_adaptation, data)


def by_inner_step(what: str, curve: Curve, tasks: int) -> Plot:
    """WHAT_by_inner_step: the mean over `tasks` new tasks, with its margins of error."""
    values = " → ".join(f"{value:.3g}" for value in curve.y if value is not None)
    title = f"{what.capitalize()} after {', '.join(map(str, curve.x))} inner steps: {values}"
    note = f"mean over {tasks:,} held-out tasks; band: 95 % confidence interval"
    return panels(f"{what}_by_inner_step", title, note, [Panel("inner steps", what, {what: curve})])


def render_adaptation(
    title: str, names: list[str], grid: list[float], curves: dict[str, list[list[float]]], inputs: list[list[float]],
    targets: list[list[float]], shots: int, axes: list[str],
) -> "Figure":  # fmt: skip
    """A panel for each task: its points, the support, and the predictions after 0, 1, … inner steps."""
    lines = -(-len(names) // COLUMNS)
    left, bottom = MARGIN + 0.6, 0.6
    across, down = COLUMNS * (WIDE + BETWEEN) - BETWEEN, lines * (TALL + ABOVE)
    note = f"held-out tasks with {shots} support points; lines: predictions before and after adaptation"
    figure = page(left + across + 0.3, bottom + down + 0.1 + HEADER, title, note)
    limits = _limits([values for each in curves.values() for values in each] + targets)
    handles: list[Any] = []
    for place, name in enumerate(names):
        column, line = place % COLUMNS, lines - 1 - place // COLUMNS
        here = panel(figure, left + column * (WIDE + BETWEEN), bottom + line * (TALL + ABOVE), WIDE, TALL)
        own = {step: each[place] for step, each in curves.items()}
        handles = _task(here, grid, own, inputs[place], targets[place], shots)
        here.set_title(name, size=9, color=GREY, loc="right", pad=3)
        here.set_ylim(limits)
        here.tick_params(labelleft=column == 0, labelbottom=place + COLUMNS >= len(names))
    names_of_lines = ["task", f"{shots} support points", *map(_when, curves)]
    legend_above(blank(figure, left, bottom + down, across, 0.01), handles, names_of_lines)
    width, height = figure.get_size_inches()
    figure.text((left + across / 2) / width, 0.18 / height, axes[0], size=9.5, color=INK, ha="center")
    middle = (bottom + down / 2) / height
    figure.text(0.28 / width, middle, axes[1], size=9.5, color=INK, rotation=90, ha="center", va="center")
    return figure


def _when(steps: str) -> str:
    return {"0": "before", "1": "after 1 step"}.get(steps, f"after {steps} steps")


def _limits(values: list[list[float]]) -> tuple[float, float]:
    """The same for all panels, so that a small curve looks small."""
    numbers = np.array([number for each in values for number in each if number is not None])
    pad = 0.06 * float(np.ptp(numbers)) or 1.0
    return float(numbers.min()) - pad, float(numbers.max()) + pad


def _task(
    axes: "Axes", grid: list[float], curves: dict[str, list[float]], x: list[float], y: list[float], shots: int
) -> list[Any]:
    order = np.argsort(x)
    rest = axes.plot(np.array(x)[order], np.array(y)[order], color=PALE, marker=".", markersize=3, linewidth=0.8)[0]
    shades = [SHADES[0], *SHADES[-(len(curves) - 1) :]] if len(curves) > 1 else SHADES[:1]
    lines = [
        axes.plot(grid, values, color=colour, linewidth=1.5, linestyle="--" if place == 0 else "-")[0]
        for place, (values, colour) in enumerate(zip(curves.values(), shades, strict=False))
    ]
    given = axes.plot(x[:shots], y[:shots], color=VERMILLION, linestyle="", marker="o", markersize=4, zorder=5)[0]
    return [rest, given, *lines]
