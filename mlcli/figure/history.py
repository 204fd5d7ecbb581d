"""Metrics by epoch, and the learning rate by optimisation step."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcli.figure.plot import Plot
from mlcli.figure.style import (
    BLUE,
    HEADER,
    INK,
    MARGIN,
    PALE,
    PALETTE,
    VERMILLION,
    brief,
    is_log,
    legend,
    legend_above,
    log_scale,
    page,
    panel,
    shorten,
    widths,
)

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Series = Sequence[float | None]
COLOURS = {"train": VERMILLION, "val": BLUE}
WORDS = {"train": "train", "val": "validation"}
WIDTH, HEIGHT = 2.75, 2.7
COLOURED = len(PALETTE)  # runs with a colour of their own when several are compared


def learning_curves(
    epochs: Sequence[int], curves: Mapping[str, Mapping[str, Series]], monitor: str, best: dict[str, float] | None
) -> Plot:
    """learning_curves: curves[metric][split], a value per epoch; best: "epoch" and "value" of the best one by
    `monitor`."""
    data = {
        "epochs": list(epochs),
        "curves": {metric: {split: list(own) for split, own in splits.items()} for metric, splits in curves.items()},
        "monitor": monitor,
        "best": best,
    }
    return Plot("learning_curves", render_learning_curves, data)


def learning_rate(steps: Sequence[int], rates: Series, **when: str) -> Plot:
    """learning_rate: the rate at each of these optimisation steps; `when` says how they were chosen."""
    return Plot("learning_rate", render_learning_rate, {"steps": list(steps), "rates": list(rates), **when})


def compare(metric: str, curves: Sequence[dict[str, Any]], left_out: int, comparable: bool) -> Plot:
    """compare: one metric of several runs, best first, {"name", "epochs", "values", "best"}; `left_out`: runs without
    the metric. comparable: whether the values of different runs compare."""
    data = {"metric": metric, "curves": list(curves), "left_out": left_out, "comparable": comparable}
    return Plot("compare", render_compare, data)


def render_learning_curves(
    epochs: list[int],
    curves: dict[str, dict[str, list[float | None]]],
    monitor: str,
    best: dict[str, float] | None,
) -> "Figure":
    """A panel for each metric: curves[metric][split]. The best epoch has a ring and a thin line."""
    number = f" · best epoch {best['epoch']}, {monitor} {brief(best['value'])}" if best else ""
    step = MARGIN + 0.6 + WIDTH
    count = f"{len(epochs):,} epoch{'s' if len(epochs) > 1 else ''}"
    figure = page(step * len(curves) + 0.25, 0.6 + HEIGHT + 0.3 + HEADER, f"Learning curves{number}", count)
    for place, (metric, splits) in enumerate(curves.items()):
        axes = panel(figure, step * place + MARGIN + 0.6, 0.6, WIDTH, HEIGHT, "epoch", metric)
        if best:
            axes.axvline(best["epoch"], color=PALE, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        lines = zip(splits.items(), widths(len(splits)), strict=True)
        handles = [_line(axes, epochs, values, COLOURS[split], width) for (split, values), width in lines]
        if best and "val" in splits:
            _ring(axes, best["epoch"], splits["val"][epochs.index(int(best["epoch"]))])
        legend_above(axes, handles, [WORDS[split] for split in splits])
        _scale(axes, [value for values in splits.values() for value in values])
        _whole_epochs(axes, epochs)
    return figure


def render_learning_rate(
    steps: list[int], rates: list[float | None], when: str = "at the end of each epoch"
) -> "Figure":
    """The rate by optimisation step; `when` says at which of them."""
    known = [rate for rate in rates if rate is not None]
    first, last = (brief(known[0]), brief(known[-1])) if known else ("–", "–")
    number = first if first == last and len(set(known)) == 1 else f"{first} → {last}"
    figure = page(MARGIN + 0.75 + 5.0 + 0.3, 0.6 + HEIGHT + HEADER, f"Learning rate · {number}", when)
    axes = panel(figure, MARGIN + 0.75, 0.6, 5.0, HEIGHT, "optimisation step", "learning rate")
    _line(axes, steps, rates, BLUE)
    if is_log(known, 100):
        log_scale(axes, "y", known)
    else:
        axes.set_ylim(0, 1.08 * max(known, default=1) or 1)
    axes.set_xlim(left=0)
    return figure


def render_compare(metric: str, curves: list[dict[str, Any]], left_out: int, comparable: bool = True) -> "Figure":
    """One metric of several runs, best first; those beyond the palette stay grey."""
    top, rest = curves[:COLOURED], curves[COLOURED:]
    longest = max(len(curve["name"]) for curve in top)
    right = 0.9 + 0.078 * min(longest, 34)
    order = "best first" if comparable else "whose values do not compare"
    note = f"{len(curves)} runs, {order}" + (f"; {left_out} without this metric left out" if left_out else "")
    title = f"{metric} by epoch" + (f" · best {brief(top[0]['best'])}" if comparable else "")
    figure = page(MARGIN + 0.65 + 5.0 + 0.2 + right, 0.6 + 3.6 + HEADER, title, note)
    axes = panel(figure, MARGIN + 0.65, 0.6, 5.0, 3.6, "epoch", metric)
    handles: list[Artist] = []
    for curve in rest:
        grey = axes.plot(curve["epochs"], _numbers(curve["values"]), color=PALE, linewidth=0.9, alpha=0.8, zorder=2)
    for place, (curve, width) in enumerate(zip(top, widths(len(top)), strict=True)):
        handles.insert(place, _line(axes, curve["epochs"], curve["values"], PALETTE[place], width))
    labels = [f"{brief(curve['best'])}  {shorten(curve['name'], 34)}" for curve in top]
    if rest:
        handles.append(grey[0])
        labels.append(f"{len(rest)} others, {brief(rest[0]['best'])} to {brief(rest[-1]['best'])}")
    legend(axes, handles, labels, "best value of each run")
    _scale(axes, [value for curve in curves for value in curve["values"]])
    _whole_epochs(axes, [epoch for curve in curves for epoch in curve["epochs"]])
    return figure


def _line(axes: "Axes", x: list[int], y: list[float | None], colour: str, width: float = 1.7) -> "Artist":
    """With points while they can be told apart."""
    marker = "o" if len(x) <= 30 else ""
    return axes.plot(x, _numbers(y), color=colour, linewidth=width, marker=marker, markersize=3.5, zorder=3)[0]


def _numbers(values: list[float | None]) -> np.ndarray:
    return np.array(values, dtype=float)


def _ring(axes: "Axes", x: float, y: float | None) -> None:
    if y is not None:
        axes.plot([x], [y], marker="o", markersize=9, markerfacecolor="none", markeredgecolor=INK, zorder=4)


def _scale(axes: "Axes", values: list[float | None]) -> None:
    known = [value for value in values if value is not None]
    if is_log(known, 50):
        log_scale(axes, "y", known)


def _whole_epochs(axes: "Axes", epochs: list[int]) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    low, high = min(epochs), max(epochs)
    pad = 0.03 * (high - low) or 0.5
    axes.set_xlim(low - pad, high + pad)
