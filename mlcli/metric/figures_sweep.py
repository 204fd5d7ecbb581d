"""Pictures of a sweep. Trials are {"trial", "values" (one a key), "score"}; equal values are repeats."""

import math
from collections import defaultdict
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
Means = dict[tuple[Any, ...], float]
MOST_CELLS = 900
NUMBERED_CELLS = 120
LONGEST = 22  # characters of a value
SHOWN = 20  # trials of a ranking


def line(metric: str, better: str, keys: list[str], trials: list[Trial], left_out: int) -> "Figure":
    """One numeric key: every trial a point, a line through the means of repeats, the best one ringed."""
    means = _means(trials)
    at, score = _best(means, better)
    x, y = [trial["values"][0] for trial in trials], [trial["score"] for trial in trials]
    title = f"{metric} against {keys[0]} · best {_figures(score)} at {brief(at[0])}"
    figure = page(MARGIN + 0.75 + 5.4 + 0.3, 0.6 + 3.5 + HEADER, title, _note(trials, means, left_out))
    axes = panel(figure, MARGIN + 0.75, 0.6, 5.4, 3.5, keys[0], metric)
    order = sorted(means)
    axes.plot([at[0] for at in order], [means[at] for at in order], color=BLUE, linewidth=1.5, zorder=2)
    axes.plot(x, y, linestyle="", marker="o", markersize=5, color=BLUE, alpha=_alpha(len(x)), zorder=3)
    axes.plot([at[0]], [score], marker="o", markersize=11, markerfacecolor="none", markeredgecolor=VERMILLION,
              markeredgewidth=1.6, zorder=4)  # fmt: skip
    if is_log(y, 50):
        log_scale(axes, "y", y)
    _value_axis(axes, sorted(set(x)))
    return figure


def seeds(metric: str, better: str, keys: list[str], trials: list[Trial], left_out: int) -> "Figure":
    """Repeats alone: every trial a point, their mean a line, their standard deviation a band."""
    y = np.array([trial["score"] for trial in trials])
    mean, deviation = float(y.mean()), float(y.std(ddof=1))
    title = f"{metric} over {len(y)} seeds · {_figures(mean)} ± {deviation:.2g}"
    figure = page(MARGIN + 0.75 + 5.4 + 0.3, 0.6 + 3.0 + HEADER, title,
                  _note(trials, _means(trials), left_out) + "; line: mean, band: ± 1 standard deviation")  # fmt: skip
    axes = panel(figure, MARGIN + 0.75, 0.6, 5.4, 3.0, keys[0], metric)
    axes.axhspan(mean - deviation, mean + deviation, color=BLUE, alpha=0.1, linewidth=0)
    axes.axhline(mean, color=BLUE, linewidth=1.2)
    x = [trial["values"][0] for trial in trials]
    axes.plot(x, y, linestyle="", marker="o", markersize=6, color=BLUE, alpha=_alpha(len(x)), zorder=3)
    if len(x) <= 20:
        axes.set_xticks(sorted(set(x)))
    return figure


def heat_map(metric: str, better: str, keys: list[str], trials: list[Trial], left_out: int) -> "Figure":
    """Two keys: the mean of each pair of values, better ones darker; cells without a trial stay white."""
    means = _means(trials)
    # The key with more values runs across, where there is more room.
    flip = len({at[0] for at in means}) > len({at[1] for at in means})
    pairs = {(at[::-1] if flip else at): score for at, score in means.items()}
    (y_key, x_key) = keys[::-1] if flip else keys
    down, across = _sorted({at[0] for at in pairs}), _sorted({at[1] for at in pairs})
    grid = np.full((len(down), len(across)), np.nan)
    for (y, x), score in pairs.items():
        grid[down.index(y), across.index(x)] = score
    at, score = _best(pairs, better)
    left = MARGIN + 0.35 + room([brief(value) for value in down], LONGEST)
    width, height = _extent(len(across), 0.62, 6.4), _extent(len(down), 0.42, 5.0)
    bottom = MARGIN + 0.4 + (room([brief(value) for value in across], LONGEST) if _turned(across, width) else 0.15)
    title = f"{metric} · best {_figures(score)}"
    where = f"{_short(x_key)} {brief(at[1])}, {_short(y_key)} {brief(at[0])}"
    figure = page(max(left + width + 1.25, 5.0), bottom + height + HEADER, f"{title} at {where}",
                  _note(trials, means, left_out))  # fmt: skip
    axes = panel(figure, left, bottom, width, height, x_key, y_key)
    image = _cells(axes, grid, better)
    _name_values(axes, across, down, width, height)
    axes.add_patch(_frame(across.index(at[1]), down.index(at[0])))
    _colour_bar(figure, image, left + width + 0.18, bottom, height, metric)
    if grid.size <= NUMBERED_CELLS:
        _write_scores(axes, image, grid)
    return figure


def plane(metric: str, better: str, keys: list[str], trials: list[Trial], left_out: int) -> "Figure":
    """Two numeric keys tried here and there: a point each, better ones darker, the best ringed."""
    means = _means(trials)
    at, score = _best(means, better)
    where = f"{_short(keys[0])} {brief(at[0])}, {_short(keys[1])} {brief(at[1])}"
    figure = page(MARGIN + 0.8 + 4.8 + 1.2, 0.6 + 4.0 + HEADER, f"{metric} · best {_figures(score)} at {where}",
                  _note(trials, means, left_out))  # fmt: skip
    axes = panel(figure, MARGIN + 0.8, 0.6, 4.8, 4.0, *keys)
    places = np.array(list(means), dtype=float)
    scores = np.array(list(means.values()))
    order = np.argsort(scores if better == "max" else -scores)  # the best on top
    points = axes.scatter(
        places[order, 0], places[order, 1], c=scores[order], cmap=_colour_map(better), norm=_norm(scores), s=42,
        edgecolors="white", linewidths=0.6, zorder=3,
    )  # fmt: skip
    axes.scatter([at[0]], [at[1]], s=150, facecolors="none", edgecolors=VERMILLION, linewidths=1.6, zorder=4)
    for which, values in zip("xy", places.T.tolist(), strict=True):
        if is_log(values, 10):
            log_scale(axes, which, values)
    _colour_bar(figure, points, MARGIN + 0.8 + 4.8 + 0.2, 0.6, 4.0, metric)
    return figure


def ranking(metric: str, better: str, keys: list[str], trials: list[Trial], left_out: int) -> "Figure":
    """Any other sweep: the settings by name, best on top; faint points are repeats."""
    means = _means(trials)
    order = sorted(means, key=lambda at: means[at], reverse=better == "max")
    shown = order[:SHOWN]
    names = [_setting(keys, at) for at in shown]
    left, height = MARGIN + 0.2 + room(names, 46) * 0.95, 0.26 * len(shown) + 0.15
    note = _note(trials, means, left_out)
    note += f"; best {SHOWN} of {len(order)} shown" if len(order) > SHOWN else ""
    title = f"{metric} · best {_figures(means[order[0]])}"
    figure = page(left + 3.6 + 0.95, 0.65 + height + HEADER, title, note)
    axes = panel(figure, left, 0.65, 3.6, height, metric)
    repeats: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    for trial in trials:
        repeats[tuple(trial["values"])].append(trial["score"])
    for row, at in enumerate(shown):
        axes.plot(repeats[at], [row] * len(repeats[at]), linestyle="", marker="o", markersize=5, color=PALE, zorder=2)
        text = _figures(means[at])
        axes.text(1.03, row, text, size=8.5, color=INK, va="center", transform=axes.get_yaxis_transform())
    colours = [VERMILLION, *[BLUE] * (len(shown) - 1)]
    axes.scatter([means[at] for at in shown], range(len(shown)), s=46, c=colours, zorder=3)
    if is_log([means[at] for at in shown], 50):
        log_scale(axes, "x", [means[at] for at in shown])
    axes.set_yticks(range(len(shown)), [shorten(name, 46) for name in names])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    return figure


def _means(trials: list[Trial]) -> Means:
    scores: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    for trial in trials:
        scores[tuple(trial["values"])].append(trial["score"])
    return {at: float(np.mean(values)) for at, values in scores.items()}


def _best(means: Means, better: str) -> tuple[tuple[Any, ...], float]:
    return (max if better == "max" else min)(means.items(), key=lambda item: item[1])


def _note(trials: list[Trial], means: Means, left_out: int) -> str:
    parts = [f"{len(trials):,} trial{'s' if len(trials) != 1 else ''}"]
    if len(means) < len(trials):
        parts.append(f"means of {math.ceil(len(trials) / len(means))} repeats")
    if left_out:
        parts.append(f"{left_out} without a score left out")
    return "; ".join(parts)


def _figures(score: Any) -> str:
    """Four significant figures: trials often differ only in the third."""
    return f"{score:.4g}"


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


def _write_scores(axes: "Axes", image: "AxesImage", grid: np.ndarray) -> None:
    shades = np.asarray(image.cmap(image.norm(grid)))[:, :, :3] @ np.array([0.299, 0.587, 0.114])
    size = 8.5 if grid.shape[1] <= 10 else 7
    for row, column in np.argwhere(np.isfinite(grid)):
        colour = INK if shades[row, column] > 0.5 else "white"
        axes.text(column, row, f"{grid[row, column]:.3g}", ha="center", va="center", size=size, color=colour)
