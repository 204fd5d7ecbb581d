"""The plane coloured by the class that a model predicts there, with examples on it."""

from typing import TYPE_CHECKING

import numpy as np

from mlcli.metric.style import HEADER, INK, MARGIN, PALETTE, legend, page, panel, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDE = 4.4


def decision_boundary(
    x: list[float], y: list[float], predicted: list[list[int]], probability: list[list[float]],
    points: list[list[float]], targets: list[int], accuracy: float, classes: list[str], features: list[str],
) -> "Figure":  # fmt: skip
    """predicted, probability: class and its probability on an even grid, from y[0] up and x[0] to the right.

    The surer the model, the stronger the colour; examples on another class's ground are mistakes.
    """
    title = f"Decision boundary · accuracy {accuracy:.3f}"
    note = f"{len(targets):,} test examples; colour: predicted class, pale where unsure"
    figure = page(MARGIN + 0.6 + SIDE + 1.5, SIDE + 0.6 + HEADER, title, note)
    axes = panel(figure, MARGIN + 0.6, 0.6, SIDE, SIDE, *features)
    colours = np.array([_rgb(PALETTE[label % len(PALETTE)]) for label in range(len(classes))])
    regions, sure = np.array(predicted), np.nan_to_num(np.array(probability, dtype=float))
    least = 1 / len(classes)
    strength = 0.1 + 0.35 * ((sure - least) / (1 - least)).clip(0, 1)[..., None]
    extent = (x[0], x[1], y[0], y[1])
    axes.imshow(1 - strength * (1 - colours[regions]), extent=extent, origin="lower", aspect="auto", zorder=0)
    _border(axes, x, y, regions, sure)
    axes.grid(False)
    places, labels = np.array(points), np.array(targets)
    handles = []
    for label, colour in enumerate(colours):
        own_x, own_y = places[labels == label].T
        handles.append(axes.scatter(own_x, own_y, s=16, color=colour, edgecolors="white", linewidths=0.5))
    legend(axes, handles, [shorten(name, 14) for name in classes], "true class")
    axes.set(xlim=x, ylim=y)
    return figure


def _border(axes: "Axes", x: list[float], y: list[float], regions: np.ndarray, sure: np.ndarray) -> None:
    """A line around the ground of each class that has any and has not all."""
    across, down = (np.linspace(low, high, len(regions)) for low, high in (x, y))
    for label in np.unique(regions)[1:]:
        # Of the class against all others, so that the line runs smoothly between the points of the grid.
        own = np.where(regions == label, sure.clip(0.501), 1 - sure.clip(0.501))
        axes.contour(across, down, own, levels=[0.5], colors=[INK], linewidths=1, zorder=1)


def _rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
