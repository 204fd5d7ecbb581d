"""Pictures of a sweep. Trials are {"trial", "values" (one a key), "score", "pruned"}; equal values are repeats.

What was pruned is hollow. It counts in no mean beside a finished repeat, and is never the best if any has finished.
"""

import math
from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcli.metric.style import (
    BLUE,
    FAINT,
    GREY,
    HEADER,
    INK,
    MARGIN,
    PALE,
    VERMILLION,
    brief,
    is_log,
    log_scale,
    page,
    panel,
    room,
    safe,
    shorten,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

Trial = dict[str, Any]
MOST_CELLS = 900
NUMBERED_CELLS = 120
LONGEST = 22  # characters of a value
SHOWN = 20  # trials of a ranking
BARS = 20  # settings, beyond which a band shows the deviation


@dataclass(frozen=True)
class Mean:
    """Of the repeats of one setting; their deviation is None for a single one."""

    score: float
    deviation: float | None
    pruned: bool

    @property
    def low(self) -> float:
        return self.score - (self.deviation or 0.0)

    @property
    def high(self) -> float:
        return self.score + (self.deviation or 0.0)

    def __str__(self) -> str:
        return plus_minus(self.score, self.deviation) if self.deviation else f"{self.score:.4g}"


Means = dict[tuple[Any, ...], Mean]


def line(metric: str, better: str, keys: list[str], trials: list[Trial], left_out: int) -> "Figure":
    """One numeric key: every trial a point; of repeats the mean and their deviation; the best one ringed."""
    means = _means(trials)
    at, best = _best(means, better)
    x, y = [trial["values"][0] for trial in trials], [trial["score"] for trial in trials]
    title = f"{metric} against {keys[0]} · best {best} at {brief(at[0])}"
    note = _note(trials, means, left_out) + _deviation_note(means, "bars" if len(means) <= BARS else "band")
    figure = page(MARGIN + 0.75 + 5.4 + 0.3, 0.6 + 3.5 + HEADER, title, note)
    axes = panel(figure, MARGIN + 0.75, 0.6, 5.4, 3.5, keys[0], metric)
    if is_log(y, 50):
        log_scale(axes, "y", y)
    repeated = len(means) < len(trials)
    _points(axes, x, y, trials, PALE if repeated else BLUE, _alpha(len(x)))
    bottom = axes.get_ylim()[0]
    _mean_line(axes, {at[0]: means[at] for at in sorted(means)}, repeated)
    if axes.get_yscale() == "log":
        axes.set_ylim(bottom=bottom)  # a bar may reach below zero
    _ring(axes, at[0], best.score)
    _value_axis(axes, sorted(set(x)))
    return figure


def seeds(metric: str, better: str, keys: list[str], trials: list[Trial], left_out: int) -> "Figure":
    """Repeats alone: every trial a point, their mean a line, their standard deviation a band."""
    counted = [trial for trial in trials if not trial["pruned"]] or trials
    mean = _mean(trials)
    note = _note(trials, _means(trials), left_out) + "; line: mean"
    note += f", band: ± 1 standard deviation of {len(counted)}" if mean.deviation is not None else ""
    title = f"{metric} over {len(counted)} seed{'s' if len(counted) > 1 else ''} · {mean}"
    figure = page(MARGIN + 0.75 + 5.4 + 0.3, 0.6 + 3.0 + HEADER, title, note)
    axes = panel(figure, MARGIN + 0.75, 0.6, 5.4, 3.0, keys[0], metric)
    axes.axhspan(mean.low, mean.high, color=BLUE, alpha=0.1, linewidth=0)
    axes.axhline(mean.score, color=BLUE, linewidth=1.2)
    x = [trial["values"][0] for trial in trials]
    _points(axes, x, [trial["score"] for trial in trials], trials, BLUE, _alpha(len(x)), 6)
    if len(x) <= 20:
        axes.set_xticks(sorted(set(x)))
    return figure


def heat_map(metric: str, better: str, keys: list[str], trials: list[Trial], left_out: int) -> "Figure":
    """Two keys: the mean of each pair of values, better ones darker; cells without a trial stay white."""
    means = _means(trials)
    # The key with more values runs across, where there is more room.
    flip = len({at[0] for at in means}) > len({at[1] for at in means})
    pairs = {(at[::-1] if flip else at): mean for at, mean in means.items()}
    (y_key, x_key) = keys[::-1] if flip else keys
    down, across = _sorted({at[0] for at in pairs}), _sorted({at[1] for at in pairs})
    cells = {(down.index(y), across.index(x)): mean for (y, x), mean in pairs.items()}
    grid = np.full((len(down), len(across)), np.nan)
    for cell, mean in cells.items():
        grid[cell] = mean.score
    at, best = _best(pairs, better)
    deviations = grid.size <= NUMBERED_CELLS and any(mean.deviation for mean in means.values())
    left = MARGIN + 0.35 + room([brief(value) for value in down], LONGEST)
    width, height = _extent(len(across), 0.62, 6.4), _extent(len(down), 0.5 if deviations else 0.42, 5.0)
    bottom = MARGIN + 0.4 + (room([brief(value) for value in across], LONGEST) if _turned(across, width) else 0.15)
    where = f"{_short(x_key)} {brief(at[1])}, {_short(y_key)} {brief(at[0])}"
    note = _note(trials, means, left_out, "ring") + ("; ± 1 standard deviation" if deviations else "")
    figure = page(max(left + width + 1.25, 5.0), bottom + height + HEADER, f"{metric} · best {best} at {where}", note)
    axes = panel(figure, left, bottom, width, height, x_key, y_key)
    image = _cells(axes, grid, better)
    _name_values(axes, across, down, width, height)
    axes.add_patch(_frame(across.index(at[1]), down.index(at[0])))
    _colour_bar(figure, image, left + width + 0.18, bottom, height, metric)
    _mark_pruned(axes, image, cells)
    if grid.size <= NUMBERED_CELLS:
        _write_scores(axes, image, cells, 7.5 if deviations else 8.5 if len(across) <= 10 else 7)
    return figure


def plane(metric: str, better: str, keys: list[str], trials: list[Trial], left_out: int) -> "Figure":
    """Two numeric keys tried here and there: a point each, better ones darker, the best ringed."""
    means = _means(trials)
    at, best = _best(means, better)
    where = f"{_short(keys[0])} {brief(at[0])}, {_short(keys[1])} {brief(at[1])}"
    figure = page(MARGIN + 0.8 + 4.8 + 1.2, 0.6 + 4.0 + HEADER, f"{metric} · best {best} at {where}",
                  _note(trials, means, left_out))  # fmt: skip
    axes = panel(figure, MARGIN + 0.8, 0.6, 4.8, 4.0, *keys)
    places = np.array(list(means), dtype=float)
    scores = np.array([mean.score for mean in means.values()])
    pruned = np.array([mean.pruned for mean in means.values()])
    order = np.lexsort((scores if better == "max" else -scores, ~pruned))  # the best on top
    norm, colours = _norm(scores), _colour_map(better)
    points = axes.scatter(
        places[order, 0], places[order, 1], c=scores[order], cmap=colours, norm=norm, s=42, zorder=3
    )
    edges = points.to_rgba(scores[order])
    faces = np.where(pruned[order, None], 1.0, edges)
    # Set by hand: an array of scores would colour the faces of the hollow ones too.
    points.set_array(None)
    points.set(facecolors=faces, edgecolors=np.where(pruned[order, None], edges, 1.0),
               linewidths=np.where(pruned[order], 1.4, 0.6))  # fmt: skip
    _ring(axes, at[0], at[1])
    for which, values in zip("xy", places.T.tolist(), strict=True):
        if is_log(values, 10):
            log_scale(axes, which, values)
    _colour_bar(figure, points, MARGIN + 0.8 + 4.8 + 0.2, 0.6, 4.0, metric)
    return figure


def ranking(metric: str, better: str, keys: list[str], trials: list[Trial], left_out: int) -> "Figure":
    """Any other sweep: the settings by name, best on top; faint points are repeats, bars their deviation."""
    means = _means(trials)
    sign = -1 if better == "max" else 1
    order = sorted(means, key=lambda at: (means[at].pruned, sign * means[at].score))
    shown = {at: means[at] for at in order[:SHOWN]}
    names = [_setting(keys, at) for at in shown]
    left, height = MARGIN + 0.2 + room(names, 46) * 0.95, 0.26 * len(shown) + 0.15
    note = _note(trials, means, left_out) + _deviation_note(shown, "bars")
    note += f"; best {SHOWN} of {len(order)} shown" if len(order) > SHOWN else ""
    scores = [str(mean) for mean in shown.values()]
    figure = page(left + 3.6 + 0.25 + room(scores, 20), 0.65 + height + HEADER, f"{metric} · best {scores[0]}", note)
    axes = panel(figure, left, 0.65, 3.6, height, metric)
    for row, score in enumerate(scores):
        axes.text(1.03, row, score, size=8.5, color=INK, va="center", transform=axes.get_yaxis_transform())
    _ranked_points(axes, shown, trials)
    axes.set_yticks(range(len(shown)), [shorten(name, 46) for name in names])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    return figure


def _ranked_points(axes: "Axes", shown: Means, trials: list[Trial]) -> None:
    rows = {at: row for row, at in enumerate(shown)}
    drawn = [trial for trial in trials if tuple(trial["values"]) in rows]
    if is_log([trial["score"] for trial in drawn], 50):
        log_scale(axes, "x", [trial["score"] for trial in drawn])
    y = [rows[tuple(trial["values"])] for trial in drawn]
    _points(axes, [trial["score"] for trial in drawn], y, drawn, PALE, 1.0)
    limits = axes.get_xlim()
    for row, mean in enumerate(shown.values()):
        colour = VERMILLION if row == 0 else BLUE
        if mean.deviation:
            axes.plot([mean.low, mean.high], [row, row], color=colour, linewidth=1.3, zorder=3)
        axes.scatter([mean.score], [row], s=46, c="white" if mean.pruned else colour, edgecolors=colour, zorder=4)
    if axes.get_xscale() == "log":
        axes.set_xlim(left=limits[0])  # a bar may reach below zero


def _points(
    axes: "Axes", x: list[Any], y: list[Any], trials: list[Trial], colour: str, alpha: float, size: float = 5
) -> None:
    """A point for each trial, hollow if it was pruned."""
    for pruned in (True, False):
        chosen = [i for i, trial in enumerate(trials) if trial["pruned"] is pruned]
        if chosen:
            axes.plot(
                [x[i] for i in chosen], [y[i] for i in chosen], linestyle="", marker="o", markersize=size,
                color=colour, markerfacecolor="white" if pruned else colour, alpha=alpha, zorder=2,
            )  # fmt: skip


def _mean_line(axes: "Axes", means: dict[float, Mean], repeated: bool) -> None:
    """Through the means of what has finished, with bars or a band of one deviation; a pruned mean stands alone."""
    kept = {x: mean for x, mean in means.items() if not mean.pruned}
    x, scores = list(kept), [mean.score for mean in kept.values()]
    low, high = [mean.low for mean in kept.values()], [mean.high for mean in kept.values()]
    axes.plot(x, scores, color=BLUE, linewidth=1.5, marker="o" if repeated else "", markersize=5, zorder=3)
    if len(means) > BARS:
        axes.fill_between(x, low, high, color=BLUE, alpha=0.15, linewidth=0, zorder=1)
    elif repeated:
        axes.vlines(x, low, high, color=BLUE, linewidth=1.5, zorder=3)
    if repeated:
        pruned = {x: mean.score for x, mean in means.items() if mean.pruned}
        axes.plot(list(pruned), list(pruned.values()), linestyle="", marker="o", markersize=5, color=BLUE,
                  markerfacecolor="white", zorder=3)  # fmt: skip


def _ring(axes: "Axes", x: float, y: float) -> None:
    axes.plot([x], [y], marker="o", markersize=12, markerfacecolor="none", markeredgecolor=VERMILLION,
              markeredgewidth=1.6, zorder=5)  # fmt: skip


def _means(trials: list[Trial]) -> Means:
    repeats: dict[tuple[Any, ...], list[Trial]] = defaultdict(list)
    for trial in trials:
        repeats[tuple(trial["values"])].append(trial)
    return {at: _mean(alike) for at, alike in repeats.items()}


def _mean(trials: list[Trial]) -> Mean:
    finished = [trial["score"] for trial in trials if not trial["pruned"]]
    scores = finished or [trial["score"] for trial in trials]
    deviation = stdev(scores) if len(scores) > 1 else None
    return Mean(fmean(scores), deviation, not finished)


def _best(means: Means, better: str) -> tuple[tuple[Any, ...], Mean]:
    sign = -1 if better == "max" else 1
    return min(means.items(), key=lambda item: (item[1].pruned, sign * item[1].score))


def _note(trials: list[Trial], means: Means, left_out: int, pruned_are: str = "hollow") -> str:
    parts = [f"{len(trials):,} trial{'s' if len(trials) != 1 else ''}"]
    if pruned := sum(trial["pruned"] for trial in trials):
        parts[0] += f", {pruned:,} of them pruned ({pruned_are})"
    if len(means) < len(trials):
        parts.append(f"means of {math.ceil(len(trials) / len(means))} repeats")
    if left_out:
        parts.append(f"{left_out} without a score left out")
    return "; ".join(parts)


def _deviation_note(means: Means, drawn: str) -> str:
    return f"; {drawn}: ± 1 standard deviation" if any(mean.deviation for mean in means.values()) else ""


def plus_minus(mean: float, deviation: float) -> str:
    """As in 0.0412 ± 0.0031: two significant figures of the deviation, and the mean to the same place."""
    if deviation < 1e-12 * abs(mean):  # rounding of equal values
        deviation = 0.0
    if not 1e-6 <= deviation < 1e6:
        return f"{mean:.4g} ± {deviation:.2g}"
    places = max(1 - math.floor(math.log10(deviation)), 0)
    return f"{mean:.{places}f} ± {deviation:.{places}f}"


def _short(key: str) -> str:
    return key.rpartition(".")[2]


def _setting(keys: list[str], at: tuple[Any, ...]) -> str:
    if not keys:
        return "all trials"
    if len(keys) == 1:
        return brief(at[0])
    return " ".join(f"{_short(key)}={brief(value)}" for key, value in zip(keys, at, strict=True))


def _sorted(values: set[Any]) -> list[Any]:
    """Numbers by size, before names by alphabet."""
    return sorted(values, key=lambda value: (isinstance(value, str), value))


def _alpha(count: int) -> float:
    return 0.85 if count <= 100 else 0.45


def _value_axis(axes: "Axes", values: list[float]) -> None:
    """A tick for each value while they are few; logarithmic when they span a decade."""
    if is_log(values, 10):
        log_scale(axes, "x", values)
    if len(values) <= 8:
        axes.set_xticks(values, [brief(value) for value in values])
        axes.set_xticks([], minor=True)


def _extent(count: int, each: float, most: float) -> float:
    return min(max(count * each, 1.2), most)


def _turned(values: list[Any], width: float) -> bool:
    return room([brief(value) for value in values], LONGEST) > 0.95 * width / len(values)


def _name_values(axes: "Axes", across: list[Any], down: list[Any], width: float, height: float) -> None:
    for values, size, place in ((across, width, axes.set_xticks), (down, height, axes.set_yticks)):
        step = max(math.ceil(0.16 * len(values) / size), 1)
        ticks = range(0, len(values), step)
        place(ticks, [shorten(brief(values[i]), LONGEST) for i in ticks])
    if _turned(across, width):
        axes.tick_params(axis="x", rotation=90)
    axes.tick_params(length=0, labelcolor=INK)


def _colour_map(better: str) -> str:
    return "viridis_r" if better == "max" else "viridis"


def _norm(scores: np.ndarray) -> "Normalize":
    from matplotlib.colors import LogNorm, Normalize

    known = scores[np.isfinite(scores)]
    kind = LogNorm if is_log(known.tolist(), 50) else Normalize
    return kind(float(known.min()), float(known.max()))


def _cells(axes: "Axes", grid: np.ndarray, better: str) -> "AxesImage":
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_facecolor(FAINT)
    return axes.imshow(
        np.ma.masked_invalid(grid), cmap=_colour_map(better), norm=_norm(grid), aspect="auto", interpolation="nearest"
    )


def _frame(column: int, row: int) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(
        (column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=VERMILLION, linewidth=2.4, clip_on=False, zorder=4
    )


def _colour_bar(figure: "Figure", colours: Any, left: float, bottom: float, height: float, metric: str) -> None:
    width, whole = figure.get_size_inches()
    bar = figure.colorbar(colours, cax=figure.add_axes((left / width, bottom / whole, 0.14 / width, height / whole)))
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, labelcolor=GREY, color=PALE, length=2)
    bar.set_label(safe(metric), size=9, color=INK)


def _write_scores(axes: "Axes", image: "AxesImage", cells: dict[tuple[int, int], Mean], size: float) -> None:
    for (row, column), mean in cells.items():
        text = str(mean).replace(" ±", "\n±") if mean.deviation else f"{mean.score:.3g}"
        colour = _readable(image, mean.score)
        axes.text(column, row, text, ha="center", va="center", size=size, color=colour, linespacing=1.1)


def _mark_pruned(axes: "Axes", image: "AxesImage", cells: dict[tuple[int, int], Mean]) -> None:
    """A small ring in the upper right of a cell."""
    for (row, column), mean in cells.items():
        if mean.pruned:
            axes.plot([column + 0.38], [row - 0.34], marker="o", markersize=4, markerfacecolor="none",
                      markeredgecolor=_readable(image, mean.score), linestyle="")  # fmt: skip


def _readable(image: "AxesImage", score: float) -> str:
    """Ink that stands out on a score's colour."""
    shade = float(np.dot(image.to_rgba(np.array([score]))[0, :3], (0.299, 0.587, 0.114)))
    return INK if shade > 0.5 else "white"
