"""Parallel coordinates: a line for each trial through its value of each setting, and on to its score."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcli.figure.plot import Plot
from mlcli.figure.style import GREY, HEADER, INK, MARGIN, PALE, VERMILLION, brief, page, panel, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BETWEEN, HEIGHT = 2.1, 3.6  # inches
FAN = 0.6  # of the way to the next value: how far the lines of one value are spread, the best on top
POINTS = 40  # of a line between two axes
LONGEST = 14  # characters of a value


def parallel_coordinates(
    name: str, metric: str, better: str, keys: Sequence[str], values: Sequence[Sequence[Any]], scores: Sequence[float]
) -> Plot:
    """A line for each trial through its value of each key (`values`: trials × keys) and on to its score; better:
    "min" or "max"."""
    data = {"metric": metric, "better": better, "keys": list(keys)}
    return Plot(name, render_parallel_coordinates, data | {"values": [*map(list, values)], "scores": list(scores)})


def render_parallel_coordinates(
    metric: str, better: str, keys: list[str], values: list[list[Any]], scores: list[float]
) -> "Figure":
    """values: of each trial, one a key. Better trials are darker and in front; the best is coloured."""
    marks = [
        sorted({row[place] for row in values}, key=lambda v: (isinstance(v, str), v)) for place in range(len(keys))
    ]
    good = _share(np.array(scores), better)
    best = int(good.argmax())
    settings = ", ".join(
        f"{key.rpartition('.')[2]} {brief(value)}" for key, value in zip(keys, values[best], strict=True)
    )
    width = BETWEEN * len(keys)
    title = f"{metric} · best of {len(scores)}: {brief(scores[best])}"
    note = f"best, in colour: {settings}; darker: better"
    figure = page(MARGIN + 0.9 + width + 0.9, MARGIN + HEIGHT + 0.3 + HEADER, title, note)
    axes = panel(figure, MARGIN + 0.9, MARGIN, width, HEIGHT)
    axes.set(xlim=(0, len(keys)), ylim=(-0.04, 1.04))
    axes.set_axis_off()
    heights = [_heights([row[place] for row in values], marks[place], good) for place in range(len(keys))]
    _lines(axes, np.array([*heights, _scale(np.array(scores))]), good)
    for place, (key, own) in enumerate(zip(keys, marks, strict=True)):
        _axis(
            axes, place, key.rpartition(".")[2], {_height(i, len(own)): brief(v) for i, v in enumerate(own)}, "right"
        )
    ticks = np.linspace(min(scores), max(scores), 5)
    _axis(axes, len(keys), metric, dict(zip(_scale(ticks), map(brief, ticks.tolist()), strict=True)), "left")
    return figure


def _share(scores: np.ndarray, better: str) -> np.ndarray:
    """1 for the best, 0 for the worst, by rank: a few bad trials must not make all others look alike."""
    order = np.argsort(np.argsort(scores if better == "max" else -scores, kind="stable"))
    return order / max(len(scores) - 1, 1)


def _scale(scores: np.ndarray) -> np.ndarray:
    span = float(scores.max() - scores.min())
    return (scores - scores.min()) / span if span else np.full(len(scores), 0.5)


def _height(place: int, count: int) -> float:
    return (place + 0.5) / count


def _heights(values: list[Any], marks: list[Any], good: np.ndarray) -> np.ndarray:
    """Where each trial crosses an axis: at its value, a little higher the better it is."""
    spread = FAN / len(marks)
    return np.array(
        [_height(marks.index(v), len(marks)) + spread * (g - 0.5) for v, g in zip(values, good, strict=True)]
    )


def _lines(axes: "Axes", heights: np.ndarray, good: np.ndarray) -> None:
    from matplotlib import colormaps

    ease = (1 - np.cos(np.linspace(0, np.pi, POINTS))) / 2
    for trial in np.argsort(good):
        y = np.concatenate([a + (b - a) * ease for a, b in zip(heights[:-1, trial], heights[1:, trial], strict=True)])
        x = np.concatenate([place + np.linspace(0, 1, POINTS) for place in range(len(heights) - 1)])
        is_best = good[trial] == good.max()
        colour = VERMILLION if is_best else colormaps["viridis_r"](good[trial])
        axes.plot(x, y, color=colour, linewidth=2.6 if is_best else 1.3, alpha=1.0 if is_best else 0.8, zorder=2)


def _axis(axes: "Axes", place: int, name: str, ticks: dict[float, str], side: str) -> None:
    """A vertical line with its name above and its values beside it."""
    axes.plot([place, place], [-0.02, 1.02], color=PALE, linewidth=1.2, zorder=3, clip_on=False)
    axes.text(place, 1.07, shorten(name, 18), size=9.5, color=INK, ha="center", va="bottom")
    shift = -0.05 if side == "right" else 0.05
    for height, text in ticks.items():
        axes.plot([place, place + shift / 2], [height, height], color=PALE, linewidth=1.2, zorder=3, clip_on=False)
        axes.text(
            place + shift, height, shorten(text, LONGEST), size=9, color=GREY, ha=side, va="center", zorder=4,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.8},
        )  # fmt: skip
