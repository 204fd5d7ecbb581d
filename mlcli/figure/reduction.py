"""How much variance components explain, and which features they are made of."""

from typing import TYPE_CHECKING, Any

import numpy as np

from mlcli.figure.style import BLUE, GREY, HEADER, INK, MARGIN, PALE, VERMILLION, page, panel, room, shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 5.6, 3.4  # inches
BAR, LONGEST = 0.22, 22


def variance(ratios: list[float], kept: int, marks: dict[str, int]) -> "Figure":
    """ratios: the share of each component; marks: "95%" → how many together keep that much."""
    reached = np.cumsum(ratios)
    needed = ", ".join(f"{share} by {count}" for share, count in marks.items())
    title = f"Variance explained · {needed}" if marks else f"Variance explained · {reached[-1]:.1%} by {len(ratios)}"
    note = f"{len(ratios)} components; the {kept} that are kept: {reached[min(kept, len(ratios)) - 1]:.1%}"
    figure = page(MARGIN + 0.75 + WIDTH + 0.3, 0.6 + HEIGHT + HEADER, title, note)
    axes = panel(figure, MARGIN + 0.75, 0.6, WIDTH, HEIGHT, "components", "share of variance")
    places = np.arange(1, len(ratios) + 1)
    axes.bar(places, ratios, color=[BLUE if place <= kept else PALE for place in places], width=0.9)
    axes.plot(places, reached, color=VERMILLION, linewidth=1.6)
    axes.text(places[-1], reached[-1] - 0.1, "together", size=8.5, color=VERMILLION, ha="right", va="top")
    for count in marks.values():
        axes.plot([count], [reached[count - 1]], marker="o", markersize=4, color=INK)
        axes.annotate(
            f"{count}", (count, reached[count - 1]), xytext=(0, -12), textcoords="offset points", size=8.5,
            color=INK, ha="center",
        )  # fmt: skip
    axes.set_ylim(0, 1.03)
    axes.set_xlim(0.2, len(ratios) + 0.8)
    return figure


def weights(panels: list[dict[str, Any]], total: int) -> "Figure":
    """panels: {"name", "features", "weights"}, the features with the largest weights first."""
    left = MARGIN + 0.15 + max(room(each["features"], LONGEST) for each in panels)
    rows = max(len(each["features"]) for each in panels)
    step, height = left + 1.9, BAR * rows
    note = f"of {total:,} features those with the largest weights" if rows < total else "all features"
    figure = page(step * len(panels) + 0.2, 0.35 + height + 0.3 + HEADER, "What the components are made of", note)
    for place, each in enumerate(panels):
        axes = panel(figure, left + step * place, 0.35, 1.8, height)
        values = np.array(each["weights"], dtype=float)
        axes.barh(range(len(values)), values, color=np.where(values < 0, VERMILLION, BLUE), height=0.75)
        axes.set_yticks(range(len(values)), [shorten(name, LONGEST) for name in each["features"]])
        axes.set_ylim(rows - 0.4, -0.6)
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.axvline(0, color=GREY, linewidth=0.8)
        axes.set_title(each["name"], size=9, color=INK, loc="left")
    return figure
