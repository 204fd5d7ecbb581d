"""The variance that principal components explain, and their loadings. K components."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcli.figure.image_grid import image_grid
from mlcli.figure.plot import Plot, plain
from mlcli.figure.style import BLUE, GREY, HEADER, INK, MARGIN, PALE, VERMILLION, page, panel, room, shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 5.6, 3.4  # inches
BAR, LONGEST = 0.22, 22
SHOWN = 16  # components shown as images, in rows of 8
LARGEST, LISTED = 12, 4  # features of a component, and components whose features are listed


def explained_variance(ratios: np.ndarray, kept: int, needed: Mapping[str, int]) -> Plot:
    """explained_variance: the explained variance ratio of each component, and cumulated; `kept` of them are in use.
    needed: by share ("95%") how many components together explain that much."""
    known = ratios[ratios > 0]
    return Plot(
        "explained_variance", render_variance, {"ratios": plain(known.round(6)), "kept": kept, "marks": dict(needed)}
    )


def components(axes: np.ndarray, ratios: np.ndarray, features: Sequence[str]) -> Plot:
    """components: K × shape of an example as images, or else the features with the largest weights in each."""
    if axes.ndim == 4:
        return _images(axes[:SHOWN].mean(1))
    flat = axes[:LISTED].reshape(min(len(axes), LISTED), -1)
    names = list(features) or [f"feature {place}" for place in range(flat.shape[1])]
    panels = []
    for place, axis in enumerate(flat):
        largest = np.argsort(-np.abs(axis), kind="stable")[:LARGEST]
        weights = plain(axis[largest].round(5))
        panels.append({"name": name_of(place, ratios), "features": [names[i] for i in largest], "weights": weights})
    return Plot("components", render_weights, {"panels": panels, "total": flat.shape[1]})


def _images(images: np.ndarray) -> Plot:
    across = min(8, len(images))
    rows = [list(range(start, min(start + across, len(images)))) for start in range(0, len(images), across)]
    return image_grid(
        "components",
        f"The first {len(images)} components as images",
        "orange: brighter than the mean where the component is large, blue: darker",
        [f"{row[0] + 1} to {row[-1] + 1}" for row in rows],
        [""] * across,
        [[images[i].round(5) for i in row] + [None] * (across - len(row)) for row in rows],
        [[True] * across for _ in rows],
    )


def name_of(place: int, ratios: np.ndarray) -> str:
    """A component with its explained variance ratio."""
    return f"component {place + 1} ({ratios[place]:.1%} of variance)"


def render_variance(ratios: list[float], kept: int, marks: dict[str, int]) -> "Figure":
    """ratios: the share of each component; marks: "95%" → how many together explain that much."""
    reached = np.cumsum(ratios)
    needed = ", ".join(f"{share} by {count}" for share, count in marks.items())
    title = f"Explained variance · {needed} components" if marks else f"Explained variance · {reached[-1]:.1%}"
    note = f"{len(ratios)} components; the {kept} in use explain {reached[min(kept, len(ratios)) - 1]:.1%}"
    figure = page(MARGIN + 0.75 + WIDTH + 0.3, 0.6 + HEIGHT + HEADER, title, note)
    axes = panel(figure, MARGIN + 0.75, 0.6, WIDTH, HEIGHT, "components", "explained variance ratio")
    places = np.arange(1, len(ratios) + 1)
    axes.bar(places, ratios, color=[BLUE if place <= kept else PALE for place in places], width=0.9)
    axes.plot(places, reached, color=VERMILLION, linewidth=1.6)
    axes.text(places[-1], reached[-1] - 0.1, "cumulative", size=9, color=VERMILLION, ha="right", va="top")
    for count in marks.values():
        axes.plot([count], [reached[count - 1]], marker="o", markersize=4, color=INK)
        axes.annotate(
            f"{count}", (count, reached[count - 1]), xytext=(0, -12), textcoords="offset points", size=9,
            color=INK, ha="center",
        )  # fmt: skip
    axes.set_ylim(0, 1.03)
    axes.set_xlim(0.2, len(ratios) + 0.8)
    return figure


def render_weights(panels: list[dict[str, Any]], total: int) -> "Figure":
    """panels: {"name", "features", "weights"}, the features with the largest weights first."""
    left = MARGIN + 0.15 + max(room(each["features"], LONGEST) for each in panels)
    rows = max(len(each["features"]) for each in panels)
    step, height = left + 1.9, BAR * rows
    note = f"the largest loadings of {total:,} features" if rows < total else "all features"
    figure = page(step * len(panels) + 0.2, 0.35 + height + 0.3 + HEADER, "Loadings of the components", note)
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
