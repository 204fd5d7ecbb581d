"""A sweep over one key, over seeds, or over many keys; `sweep_means` describes trials and means.

Pruned trials are hollow.
"""

from typing import TYPE_CHECKING, Any

from mlcli.figure.style import (
    BLUE,
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
    shorten,
)
from mlcli.figure.sweep_means import (
    Mean,
    Means,
    Trial,
    best_text,
    by_setting,
    deviation_note,
    last_part,
    prefix,
    ring,
    trials_note,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 20  # trials of a ranking
BARS = 20  # settings, beyond which a band shows the deviation


def render_line(
    metric: str, better: str, keys: list[str], trials: list[Trial], left_out: int, means: list[dict[str, Any]],
    best: list[int], of: str = "",
) -> "Figure":  # fmt: skip
    """One numeric key: every trial a point; of repeats the mean and their deviation; the best one ringed."""
    found = by_setting(means)
    ringed = [list(found.items())[place] for place in best]
    x, y = [trial["values"][0] for trial in trials], [trial["score"] for trial in trials]
    where = brief(ringed[0][0][0]) if ringed else ""
    title = f"{prefix(of)}{metric} against {keys[0]}{best_text(found, best, where)}"
    note = trials_note(trials, len(found), left_out) + deviation_note(found, "bars" if len(found) <= BARS else "band")
    figure = page(MARGIN + 0.75 + 5.4 + 0.3, 0.6 + 3.5 + HEADER, title, note)
    axes = panel(figure, MARGIN + 0.75, 0.6, 5.4, 3.5, keys[0], metric)
    if is_log(y, 50):
        log_scale(axes, "y", y)
    repeated = len(found) < len(trials)
    _points(axes, x, y, trials, PALE if repeated else BLUE, _alpha(len(x)))
    bottom = axes.get_ylim()[0]
    _mean_line(axes, {at[0]: found[at] for at in sorted(found)}, repeated)
    if axes.get_yscale() == "log":
        axes.set_ylim(bottom=bottom)  # a bar may reach below zero
    for at, top in ringed:
        ring(axes, at[0], top.score)
    _value_axis(axes, sorted(set(x)))
    return figure


def render_seeds(
    metric: str, better: str, keys: list[str], trials: list[Trial], left_out: int, mean: dict[str, Any], of: str = ""
) -> "Figure":
    """Repeats alone: every trial a point, their mean a line, their standard deviation a band."""
    counted = [trial for trial in trials if not trial["pruned"]] or trials
    overall = Mean(**mean)
    note = trials_note(trials, len(trials), left_out) + "; line: mean"
    note += f", band: ± 1 standard deviation of {len(counted)}" if overall.deviation is not None else ""
    title = f"{prefix(of)}{metric} over {len(counted)} seed{'s' if len(counted) > 1 else ''} · {overall}"
    figure = page(MARGIN + 0.75 + 5.4 + 0.3, 0.6 + 3.0 + HEADER, title, note)
    axes = panel(figure, MARGIN + 0.75, 0.6, 5.4, 3.0, keys[0], metric)
    axes.axhspan(overall.low, overall.high, color=BLUE, alpha=0.1, linewidth=0)
    axes.axhline(overall.score, color=BLUE, linewidth=1.2)
    x = [trial["values"][0] for trial in trials]
    _points(axes, x, [trial["score"] for trial in trials], trials, BLUE, _alpha(len(x)), 6)
    if len(x) <= 20:
        axes.set_xticks(sorted(set(x)))
    return figure


def render_ranking(
    metric: str, better: str, keys: list[str], trials: list[Trial], left_out: int, means: list[dict[str, Any]],
    best: list[int], of: str = "",
) -> "Figure":  # fmt: skip
    """Any other sweep: the settings by name, best on top; faint points are repeats, bars their deviation."""
    found = by_setting(means)
    sign = -1 if better == "max" else 1
    order = list(found)
    if best or all(mean.pruned for mean in found.values()):  # otherwise nothing compares
        order.sort(key=lambda at: (found[at].pruned, sign * found[at].score))
    shown = {at: found[at] for at in order[:SHOWN]}
    names = [_setting(keys, at) for at in shown]
    left, height = MARGIN + 0.2 + room(names, 46) * 0.95, 0.26 * len(shown) + 0.15
    note = trials_note(trials, len(found), left_out) + deviation_note(shown, "bars")
    note += f"; {SHOWN} of {len(order)} shown" if len(order) > SHOWN else ""
    scores = [str(mean) for mean in shown.values()]
    title = f"{prefix(of)}{metric}{best_text(found, best, '')}"
    figure = page(left + 3.6 + 0.25 + room(scores, 20), 0.65 + height + HEADER, title, note)
    axes = panel(figure, left, 0.65, 3.6, height, metric)
    for row, score in enumerate(scores):
        axes.text(1.03, row, score, size=9, color=INK, va="center", transform=axes.get_yaxis_transform())
    _ranked_points(axes, shown, trials, {list(found)[place] for place in best})
    axes.set_yticks(range(len(shown)), [shorten(name, 46) for name in names])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    return figure


def _ranked_points(axes: "Axes", shown: Means, trials: list[Trial], best: set[tuple[Any, ...]]) -> None:
    rows = {at: row for row, at in enumerate(shown)}
    shown_trials = [trial for trial in trials if tuple(trial["values"]) in rows]
    if is_log([trial["score"] for trial in shown_trials], 50):
        log_scale(axes, "x", [trial["score"] for trial in shown_trials])
    y = [rows[tuple(trial["values"])] for trial in shown_trials]
    _points(axes, [trial["score"] for trial in shown_trials], y, shown_trials, PALE, 1.0)
    limits = axes.get_xlim()
    for row, (at, mean) in enumerate(shown.items()):
        colour = VERMILLION if at in best else BLUE
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


def _setting(keys: list[str], at: tuple[Any, ...]) -> str:
    if not keys:
        return "all trials"
    if len(keys) == 1:
        return brief(at[0])
    return " ".join(f"{last_part(key)}={brief(value)}" for key, value in zip(keys, at, strict=True))


def _alpha(count: int) -> float:
    return 0.85 if count <= 100 else 0.45


def _value_axis(axes: "Axes", values: list[float]) -> None:
    """A tick for each value while they are few; logarithmic when they span a decade."""
    if is_log(values, 10):
        log_scale(axes, "x", values)
    if len(values) <= 8:
        axes.set_xticks(values, [brief(value) for value in values])
        axes.set_xticks([], minor=True)
