"""The scores of the folds of a cross-validation, by configuration."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlcli.figure.plot import Plot
from mlcli.figure.style import BLUE, HEADER, INK, MARGIN, PALE, VERMILLION, page, panel, plus_minus, room, shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 20  # configurations
LINKED = 4  # configurations, beyond which lines between the scores of a fold would hide them


def fold_scores(
    name: str,
    metric: str,
    better: str,
    folds: int,
    repeats: int,
    scores: Mapping[str, Sequence[float | None]],
    means: Sequence[dict[str, Any]],
) -> Plot:
    """The scores of the folds by configuration, best first; means: {"mean", "std", "low", "high"} of each; better:
    "min" or "max"."""
    data = {"metric": metric, "better": better, "folds": folds, "repeats": repeats, "names": list(scores)}
    each = {"scores": [list(own) for own in scores.values()], "means": list(means)}
    return Plot(name, render_fold_scores, data | each)


def render_fold_scores(
    metric: str,
    better: str,
    folds: int,
    repeats: int,
    names: list[str],
    scores: list[list[float | None]],
    means: list[dict[str, Any]],
) -> "Figure":
    """Best on top: a point for each fold, lines between the points of one fold, the mean and its 95 % interval."""
    names, scores, means = names[:SHOWN], scores[:SHOWN], means[:SHOWN]
    left, height = MARGIN + 0.2 + room(names, 40) * 0.95, 0.62 * len(names) + 0.15
    labels = [plus_minus(each["mean"], each["std"]) if each["std"] is not None else "" for each in means]
    note = f"{folds} folds{f' × {repeats} repeats' if repeats > 1 else ''}"
    note += ": small points; large point: mean; bar: 95 % interval"
    note += "; lines join equal folds" if 1 < len(names) <= LINKED else ""
    width = left + 4.2 + 0.25 + room(labels, 20)
    figure = page(width, 0.65 + height + HEADER, f"{metric} · {names[0]} {means[0]['mean']:.4g}", note)
    better = "larger" if better == "max" else "smaller"
    axes = panel(figure, left, 0.65, 4.2, height, f"{metric}, {better} is better")
    for row, (own, mean) in enumerate(zip(scores, means, strict=True)):
        known = [score for score in own if score is not None]
        axes.scatter(known, [row - 0.2] * len(known), s=20, c=BLUE, alpha=0.45, linewidths=0, zorder=3)
        colour = VERMILLION if row == 0 and len(names) > 1 else INK
        if mean["low"] is not None:
            axes.plot([mean["low"], mean["high"]], [row + 0.15] * 2, color=colour, linewidth=1.6, zorder=4)
        axes.scatter([mean["mean"]], [row + 0.15], s=44, c=colour, zorder=5)
        axes.text(1.03, row + 0.15, labels[row], size=9, color=INK, va="center", transform=axes.get_yaxis_transform())
    if 1 < len(names) <= LINKED:
        for same in zip(*scores, strict=True):
            points = [(score, row - 0.2) for row, score in enumerate(same) if score is not None]
            axes.plot(*zip(*points, strict=True), color=PALE, linewidth=0.7, alpha=0.7, zorder=2)
    axes.set_yticks(range(len(names)), [shorten(name, 40) for name in names])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.grid(False, axis="y")
    axes.set_ylim(len(names) - 0.5, -0.5)
    return figure
