"""A sweep over two keys: a heat map, or points in a plane; `sweep_means` describes trials and means."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcli.figure.style import (
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
from mlcli.figure.sweep_means import Mean, Trial, best_text, by_setting, last_part, prefix, ring, trials_note

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

MOST_CELLS = 900
NUMBERED_CELLS = 120
LONGEST = 22  # characters of a value


def render_heat_map(
    metric: str, better: str, keys: list[str], trials: list[Trial], left_out: int, means: list[dict[str, Any]],
    best: list[int], of: str = "",
) -> "Figure":  # fmt: skip
    """Two keys: the mean of each pair of values, better ones darker; cells without a trial stay white."""
    found = by_setting(means)
    # The key with more values runs across, where there is more room.
    flip = len({at[0] for at in found}) > len({at[1] for at in found})
    pairs = {(at[::-1] if flip else at): mean for at, mean in found.items()}
    (y_key, x_key) = keys[::-1] if flip else keys
    down, across = _sorted({at[0] for at in pairs}), _sorted({at[1] for at in pairs})
    cells = {(down.index(y), across.index(x)): mean for (y, x), mean in pairs.items()}
    grid = np.full((len(down), len(across)), np.nan)
    finished = {cell: mean for cell, mean in cells.items() if not mean.pruned} or cells
    for cell, mean in finished.items():
        grid[cell] = mean.score  # pruned ones have no colour: they are of an earlier epoch
    framed = [list(pairs)[place] for place in best]
    deviations = grid.size <= NUMBERED_CELLS and any(mean.deviation for mean in found.values())
    left = MARGIN + 0.35 + room([brief(value) for value in down], LONGEST)
    width, height = _extent(len(across), 0.62, 6.4), _extent(len(down), 0.5 if deviations else 0.42, 5.0)
    bottom = MARGIN + 0.4 + (room([brief(value) for value in across], LONGEST) if _turned(across, width) else 0.15)
    where = f"{last_part(x_key)} {brief(framed[0][1])}, {last_part(y_key)} {brief(framed[0][0])}" if framed else ""
    title = f"{prefix(of)}{metric}{best_text(found, best, where)}"
    note = trials_note(trials, len(found), left_out, "ring, no colour") + (
        "; ± 1 standard deviation" if deviations else ""
    )
    figure = page(max(left + width + 1.25, 5.0), bottom + height + HEADER, title, note)
    axes = panel(figure, left, bottom, width, height, x_key, y_key)
    image = _cells(axes, grid, better)
    _name_values(axes, across, down, width, height)
    for at in framed:
        axes.add_patch(_frame(across.index(at[1]), down.index(at[0])))
    _colour_bar(figure, image, left + width + 0.18, bottom, height, metric)
    _mark_pruned(axes, image, cells)
    if grid.size <= NUMBERED_CELLS:
        _write_scores(axes, image, cells, 7.5 if deviations else 8.5 if len(across) <= 10 else 7)
    return figure


def render_plane(
    metric: str, better: str, keys: list[str], trials: list[Trial], left_out: int, means: list[dict[str, Any]],
    best: list[int], of: str = "",
) -> "Figure":  # fmt: skip
    """Two numeric keys tried here and there: a point each, better ones darker, the best ringed."""
    from matplotlib.colors import to_rgba

    found = by_setting(means)
    ringed = [list(found)[place] for place in best]
    where = (
        ", ".join(f"{last_part(key)} {brief(x)}" for key, x in zip(keys, ringed[0], strict=True)) if ringed else ""
    )
    title = f"{prefix(of)}{metric}{best_text(found, best, where)}"
    figure = page(MARGIN + 0.8 + 4.8 + 1.2, 0.6 + 4.0 + HEADER, title,
                  trials_note(trials, len(found), left_out))  # fmt: skip
    axes = panel(figure, MARGIN + 0.8, 0.6, 4.8, 4.0, *keys)
    places = np.array(list(found), dtype=float)
    scores = np.array([mean.score for mean in found.values()])
    pruned = np.array([mean.pruned for mean in found.values()])
    order = np.lexsort((scores if better == "max" else -scores, ~pruned))  # the best on top
    norm, colours = _norm(scores if pruned.all() else scores[~pruned]), _colour_map(better)
    points = axes.scatter(
        places[order, 0], places[order, 1], c=scores[order], cmap=colours, norm=norm, s=42, zorder=3
    )
    edges = points.to_rgba(scores[order])
    if not pruned.all():
        edges[pruned[order]] = to_rgba(GREY)  # of an earlier epoch
    faces = np.where(pruned[order, None], 1.0, edges)
    # Set by hand: an array of scores would colour the faces of the hollow ones too.
    points.set_array(None)
    points.set(facecolors=faces, edgecolors=np.where(pruned[order, None], edges, 1.0),
               linewidths=np.where(pruned[order], 1.4, 0.6))  # fmt: skip
    for at in ringed:
        ring(axes, at[0], at[1])
    for which, values in zip("xy", places.T.tolist(), strict=True):
        if is_log(values, 10):
            log_scale(axes, which, values)
    _colour_bar(figure, points, MARGIN + 0.8 + 4.8 + 0.2, 0.6, 4.0, metric)
    return figure


def _sorted(values: set[Any]) -> list[Any]:
    """Numbers by size, before names by alphabet."""
    return sorted(values, key=lambda value: (isinstance(value, str), value))


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
    bar.ax.tick_params(labelsize=9, labelcolor=GREY, color=PALE, length=2)
    bar.set_label(safe(metric), size=9, color=INK)


def _write_scores(axes: "Axes", image: "AxesImage", cells: dict[tuple[int, int], Mean], size: float) -> None:
    for (row, column), mean in cells.items():
        text = str(mean).replace(" ±", "\n±") if mean.deviation else f"{mean.score:.3g}"
        colour = _ink(image, mean)
        axes.text(column, row, text, ha="center", va="center", size=size, color=colour, linespacing=1.1)


def _mark_pruned(axes: "Axes", image: "AxesImage", cells: dict[tuple[int, int], Mean]) -> None:
    """A small ring in the upper right of a cell."""
    for (row, column), mean in cells.items():
        if mean.pruned:
            axes.plot([column + 0.38], [row - 0.34], marker="o", markersize=4, markerfacecolor="none",
                      markeredgecolor=_ink(image, mean), linestyle="")  # fmt: skip


def _ink(image: "AxesImage", mean: Mean) -> str:
    return GREY if mean.pruned else _readable(image, mean.score)


def _readable(image: "AxesImage", score: float) -> str:
    """Ink that stands out on a score's colour."""
    shade = float(np.dot(image.to_rgba(np.array([score]))[0, :3], (0.299, 0.587, 0.114)))
    return INK if shade > 0.5 else "white"
