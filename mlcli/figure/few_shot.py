"""Few-shot episodes, and accuracy by the number of their classes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcli.figure.largest_errors import pixels
from mlcli.figure.plot import Plot
from mlcli.figure.style import (
    BLUE,
    GREY,
    HEADER,
    INK,
    MARGIN,
    PALETTE,
    VERMILLION,
    blank,
    legend,
    page,
    panel,
    room,
    shorten,
)

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 4.6, 3.4
SHOWN = 8  # classes of an episode
SIDE, GAP, BETWEEN = 0.62, 0.1, 0.35  # inches of a picture, between two, and between support and queries
CAPTION, HEAD, LONGEST = 0.2, 0.28, 8


@dataclass(frozen=True)
class Curve:
    """Accuracy by the number of ways for a number of shots, with the margins of error of its 95 % intervals. A
    baseline is dashed."""

    name: str
    shots: int
    ways: Sequence[int]
    accuracy: Sequence[float]
    interval: Sequence[float]
    dashed: bool = False


def accuracy_by_ways(title: str, curves: Sequence[Curve]) -> Plot:
    """accuracy_by_ways: the curves, each with its interval, beside chance."""
    return Plot("accuracy_by_ways", render_accuracy_by_ways, {"title": title, "curves": [*map(asdict, curves)]})


def episode(inputs: np.ndarray, predicted: np.ndarray, shots: int, names: Sequence[str]) -> Plot:
    """episode: the images of one episode and the predictions for its queries. inputs: W × E × channels × height ×
    width; predicted: W × Q indices of the classes, by `names`. Classes with mistakes come first."""
    right = predicted == np.arange(len(names))[:, None]
    shown = np.argsort(right.mean(1), kind="stable")[:SHOWN]
    images = pixels(inputs[shown].reshape(-1, *inputs.shape[2:]))["images"]
    of_class = inputs.shape[1]
    data = {
        "images": [images[row * of_class : (row + 1) * of_class] for row in range(len(shown))],
        "shots": shots,
        "names": [names[row] for row in shown],
        "predictions": [[names[index] for index in predicted[row]] for row in shown],
        "ways": len(names),
        "right": int(right.sum()),
        "total": right.size,
    }
    return Plot("episode", render_episode, data)


def render_accuracy_by_ways(title: str, curves: list[dict[str, Any]]) -> "Figure":
    """curves: name, shots, ways, accuracy, interval, dashed. Of several numbers of shots each has a colour, else each
    name."""
    note = "classes not seen in training; bands: 95 % confidence interval over episodes; dotted: chance"
    names = [f"{curve['name']}, {_shots(curve['shots'])}" for curve in curves]
    aside = room(names, 40) + 0.3
    figure = page(MARGIN + 0.75 + WIDTH + aside, 0.6 + HEIGHT + HEADER, title, note)
    axes = panel(figure, MARGIN + 0.75, 0.6, WIDTH, HEIGHT, "ways (classes of an episode)", "accuracy")
    by = "shots" if len({curve["shots"] for curve in curves}) > 1 else "name"
    kinds = list(dict.fromkeys(curve[by] for curve in curves))
    handles = [_curve(axes, curve, PALETTE[kinds.index(curve[by]) % len(PALETTE)]) for curve in curves]
    ways = sorted({each for curve in curves for each in curve["ways"]})
    axes.plot(ways, [1 / each for each in ways], color=GREY, linewidth=1.2, linestyle=":")
    axes.set_xscale("log")
    axes.set_xticks(ways, [str(each) for each in ways])
    axes.minorticks_off()
    axes.set_ylim(0, 1.01)
    legend(axes, handles, names)
    return figure


def _curve(axes: "Axes", curve: dict[str, Any], colour: str) -> "Artist":
    x, y, half = (np.array(curve[name]) for name in ("ways", "accuracy", "interval"))
    axes.fill_between(x, y - half, y + half, color=colour, alpha=0.25, linewidth=0)
    style: Any = (0, (4, 2)) if curve["dashed"] else "-"
    (line,) = axes.plot(x, y, color=colour, linewidth=1.8, linestyle=style, marker="o", markersize=4)
    return line


def _shots(count: int) -> str:
    return f"{count} shot{'s' if count > 1 else ''}"


def render_episode(
    images: list[list[Any]],
    shots: int,
    names: list[str],
    predictions: list[list[str]],
    ways: int,
    right: int,
    total: int,
) -> "Figure":
    """A row for each class: its support, then its queries with their predictions."""
    left, step, down = room(names, LONGEST) + 0.15, SIDE + GAP, SIDE + CAPTION
    width = left + step * len(images[0]) + BETWEEN
    title = f"Episode · {right} of {total} queries correct"
    note = f"{ways} ways, {_shots(shots)}; orange: misclassified"
    note += f"; {len(names)} of the classes shown" if len(names) < ways else ""
    figure = page(2 * MARGIN + width, HEADER + HEAD + down * len(names) + 0.05, title, note)
    axes = blank(figure, MARGIN, 0.05, width, HEAD + down * len(names))
    queries = left + step * shots + BETWEEN
    axes.text(left, HEAD - 0.08, "support", size=9, color=GREY)
    axes.text(queries, HEAD - 0.08, "queries", size=9, color=GREY)
    for row, name in enumerate(names):
        top = HEAD + down * row
        axes.text(0, top + SIDE / 2, shorten(name, LONGEST), size=11, color=INK, va="center_baseline")
        for column, image in enumerate(images[row]):
            given = column < shots
            x = left + step * column if given else queries + step * (column - shots)
            _picture(axes, image, x, top)
            if not given:
                _prediction(axes, predictions[row][column - shots], name, x, top)
    axes.set_xlim(0, width)
    axes.set_ylim(HEAD + down * len(names), 0)
    return figure


def _picture(axes: "Axes", image: Any, x: float, top: float) -> None:
    axes.imshow(
        np.array(image, dtype=np.uint8), cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto",
        extent=(x, x + SIDE, top + SIDE, top),
    )  # fmt: skip


def _prediction(axes: "Axes", prediction: str, name: str, x: float, top: float) -> None:
    from matplotlib.patches import Rectangle

    colour = BLUE if prediction == name else VERMILLION
    if prediction != name:
        axes.add_patch(Rectangle((x, top), SIDE, SIDE, fill=False, edgecolor=colour, linewidth=2))
    axes.text(
        x + SIDE / 2, top + SIDE + CAPTION - 0.05, shorten(prediction, LONGEST), size=9, color=colour, ha="center"
    )
