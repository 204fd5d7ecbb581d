"""Accuracy of models by sequence length."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mlcli.figure.plot import Plot
from mlcli.figure.style import GREY, HEADER, MARGIN, PALE, PALETTE, legend, page, panel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 4.6, 3.4


def accuracy_by_length(lengths: Sequence[int], curves: Mapping[str, Sequence[float | None]], baseline: float) -> Plot:
    """accuracy_by_length: by model the accuracy at each length, beside the majority-class baseline."""
    data = {
        "lengths": list(lengths),
        "curves": {name: list(own) for name, own in curves.items()},
        "baseline": baseline,
    }
    return Plot("accuracy_by_length", render_accuracy_by_length, data)


def render_accuracy_by_length(lengths: list[int], curves: dict[str, list[float | None]], baseline: float) -> "Figure":
    """A line for each model; dashed: the majority-class baseline."""
    last = {name: values[-1] for name, values in curves.items() if values[-1] is not None}
    best = max(last, key=lambda name: last[name] or 0.0)
    title = f"Accuracy by length · {best} {last[best]:.3f} at {lengths[-1]} tokens"
    figure = page(
        MARGIN + 0.75 + WIDTH + 1.4, 0.6 + HEIGHT + HEADER, title, "test split; dashed: majority-class baseline"
    )
    axes = panel(figure, MARGIN + 0.75, 0.6, WIDTH, HEIGHT, "sequence length (tokens)", "accuracy")
    axes.axhline(baseline, color=PALE, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
    handles = []
    for (_, values), colour in zip(curves.items(), PALETTE, strict=False):
        known = [(x, y) for x, y in zip(lengths, values, strict=True) if y is not None]
        handles += axes.plot(*zip(*known, strict=True), color=colour, linewidth=1.8, marker="o", markersize=5)
    axes.set_xscale("log")
    axes.set_xticks(lengths, [f"{length}" for length in lengths], color=GREY)
    axes.minorticks_off()
    axes.set_ylim(0, 1.01)
    legend(axes, handles, list(curves))
    return figure
