"""The decision boundary of a classifier of two features, with examples."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcli.evenly import evenly_spaced
from mlcli.figure.plot import Plot, plain
from mlcli.figure.style import HEADER, INK, MARGIN, PALETTE, legend, page, panel, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDE = 4.4
POINTS = 1000  # most examples of a plot
TILE = ("x", "y", "predicted", "probability", "points", "targets")

Range = tuple[float, float]


def decision_boundary(
    inputs: np.ndarray, targets: np.ndarray, classes: Sequence[str], features: Sequence[str],
    grid: tuple[Range, Range, np.ndarray, np.ndarray], accuracy: float,
) -> Plot:  # fmt: skip
    """decision_boundary: N × 2 inputs with N class indices, over the predicted classes.

    grid: the ranges of x and y, and the predicted class and its probability at the points of an even grid, from y[0]
    up and x[0] to the right.
    """
    x, y, predicted, probability = grid
    chosen = evenly_spaced(len(inputs), POINTS)
    data = {
        "x": list(x),
        "y": list(y),
        "predicted": predicted.tolist(),
        "probability": plain(probability.round(2)),
        "points": plain(inputs[chosen].astype(np.float64).round(4)),
        "targets": targets[chosen].tolist(),
        "accuracy": accuracy,
        "classes": list(classes),
        "features": list(features) or ["feature 1", "feature 2"],
    }
    return Plot("decision_boundary", render_decision_boundary, data)


def boundaries(name: str, title: str, note: str, of: Mapping[str, Plot]) -> Plot:
    """The decision boundaries of several models of the same plane side by side, by the title of each."""
    first = next(iter(of.values())).data
    tiles = [{"name": above} | {key: plot.data[key] for key in TILE} for above, plot in of.items()]
    data = {"title": title, "note": note, "tiles": tiles, "classes": first["classes"], "features": first["features"]}
    return Plot(name, render_boundaries, data)


def render_decision_boundary(
    x: list[float], y: list[float], predicted: list[list[int]], probability: list[list[float]],
    points: list[list[float]], targets: list[int], accuracy: float, classes: list[str], features: list[str],
) -> "Figure":  # fmt: skip
    """predicted, probability: class and its probability on an even grid, from y[0] up and x[0] to the right.

    The higher the probability, the stronger the colour; examples in the region of another class are misclassified.
    """
    title = f"Decision boundary · accuracy {accuracy:.3f}"
    note = f"{len(targets):,} test examples; background: predicted class, paler at lower probability"
    figure = page(MARGIN + 0.6 + SIDE + 1.5, SIDE + 0.6 + HEADER, title, note)
    axes = panel(figure, MARGIN + 0.6, 0.6, SIDE, SIDE, *features)
    _regions(axes, x, y, predicted, probability, len(classes))
    handles = _points(axes, points, targets, len(classes))
    legend(axes, handles, [shorten(name, 14) for name in classes], "true class")
    axes.set(xlim=x, ylim=y)
    return figure


def render_boundaries(
    title: str, note: str, tiles: list[dict[str, Any]], classes: list[str], features: list[str]
) -> "Figure":
    """Several models of the same plane side by side, each tile with a `name` above it."""
    side, gap = 2.5, 0.3
    left = MARGIN + 0.6
    figure = page(left + (side + gap) * len(tiles) + 1.2, side + 0.6 + 0.35 + HEADER, title, note)
    for place, tile in enumerate(tiles):
        x_name, y_name = features[0], features[1] if place == 0 else ""
        axes = panel(figure, left + (side + gap) * place, 0.6, side, side, x_name, y_name)
        _regions(axes, tile["x"], tile["y"], tile["predicted"], tile["probability"], len(classes))
        handles = _points(axes, tile["points"], tile["targets"], len(classes))
        axes.set(xlim=tile["x"], ylim=tile["y"])
        axes.tick_params(labelleft=place == 0)
        axes.set_title(shorten(tile["name"], 34), size=9, color=INK, loc="left")
    legend(axes, handles, [shorten(name, 14) for name in classes], "true class")
    return figure


def _regions(
    axes: "Axes",
    x: list[float],
    y: list[float],
    predicted: list[list[int]],
    probability: list[list[float]],
    count: int,
) -> None:
    """The regions in the colours of their predicted classes, paler at lower probability, and the boundaries."""
    colours = np.array([_rgb(PALETTE[label % len(PALETTE)]) for label in range(count)])
    regions, sure = np.array(predicted), np.nan_to_num(np.array(probability, dtype=float))
    strength = 0.1 + 0.35 * ((sure - 1 / count) / (1 - 1 / count)).clip(0, 1)[..., None]
    extent = (x[0], x[1], y[0], y[1])
    axes.imshow(1 - strength * (1 - colours[regions]), extent=extent, origin="lower", aspect="auto", zorder=0)
    _border(axes, x, y, regions, sure)
    axes.grid(False)


def _points(axes: "Axes", points: list[list[float]], targets: list[int], count: int) -> list[Any]:
    """The examples, coloured by their true class: a handle of each class."""
    places, labels = np.array(points), np.array(targets)
    handles = []
    for label in range(count):
        own_x, own_y = places[labels == label].T
        colour = PALETTE[label % len(PALETTE)]
        handles.append(axes.scatter(own_x, own_y, s=16, color=colour, edgecolors="white", linewidths=0.5))
    return handles


def _border(axes: "Axes", x: list[float], y: list[float], regions: np.ndarray, sure: np.ndarray) -> None:
    """The boundary of the region of each predicted class."""
    across, down = (np.linspace(low, high, len(regions)) for low, high in (x, y))
    for label in np.unique(regions)[1:]:
        # Of the class against all others, so that the line runs smoothly between the points of the grid.
        own = np.where(regions == label, sure.clip(0.501), 1 - sure.clip(0.501))
        axes.contour(across, down, own, levels=[0.5], colors=[INK], linewidths=1, zorder=1)


def _rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
