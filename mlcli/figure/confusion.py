"""Confusion matrices of two to hundreds of classes: correct predictions in blue, errors in vermillion."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mlcli.figure.plot import Plot
from mlcli.figure.style import GREY, HEADER, INK, MARGIN, blank, page, panel, room, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NUMBERED_CLASSES = 30  # with more classes the cells are too small for numbers
NUMBERED_CELLS = 130  # each number costs half a millisecond
LONGEST = 16  # characters of a class name
LISTED = 12  # errors in words beside a matrix without numbers
RIGHT_COLOUR = np.array([0.0, 0.447, 0.698])
WRONG_COLOUR = np.array([0.835, 0.369, 0.0])


def confusion_matrix(counts: np.ndarray, classes: Sequence[str], name: str = "confusion_matrix") -> Plot:
    """C × C counts: targets down, predictions across."""
    return Plot(name, render_counts, {"counts": counts.tolist(), "classes": list(classes)})


def confusion_matrix_normalised(counts: np.ndarray, classes: Sequence[str]) -> Plot:
    """The same in percent of each true class."""
    data = {"counts": counts.tolist(), "classes": list(classes)}
    return Plot("confusion_matrix_normalised", render_normalised, data)


def render_counts(counts: list[list[int]], classes: list[str]) -> "Figure":
    """counts[true][predicted]."""
    matrix = np.array(counts)
    accuracy = np.trace(matrix) / max(matrix.sum(), 1)
    wrong = matrix.sum() - np.trace(matrix)
    title = f"Confusion matrix · accuracy {accuracy:.3f}"
    return _render(matrix, matrix, classes, title, f"{matrix.sum():,} examples, {wrong:,} misclassified", "{:.0f}")


def render_normalised(counts: list[list[int]], classes: list[str]) -> "Figure":
    """The same in percent of each true class."""
    matrix = np.array(counts)
    support = matrix.sum(1)
    percent = 100 * matrix / support.clip(min=1)[:, None]
    balanced = percent.diagonal()[support > 0].mean() / 100 if support.any() else 0.0
    title = f"Normalised confusion matrix · balanced accuracy {balanced:.3f}"
    return _render(percent, matrix, classes, title, "percent of each true class", "{:.1f}", full=100)


def _render(
    matrix: np.ndarray,
    raw: np.ndarray,
    classes: list[str],
    title: str,
    note: str,
    form: str,
    full: float | None = None,
) -> "Figure":
    """full: the value with the full colour; by default the largest on and the largest off the diagonal."""
    count = len(classes)
    numbered = count <= NUMBERED_CLASSES and np.count_nonzero(matrix) <= NUMBERED_CELLS
    cell = _cell_size(count)
    side = cell * count
    label = room(classes, LONGEST) + 0.15
    left, bottom = MARGIN + 0.25 + label, MARGIN + 0.3 + (0.25 if _upright(classes, cell) else label)
    right = MARGIN if numbered else 2.9
    width = max(left + side + right, 4.6)
    figure = page(width, bottom + side + HEADER, title, note)
    axes = panel(figure, left, bottom, side, side, "predicted", "true")
    axes.grid(False)
    strength = _strength(matrix, full)
    axes.imshow(_colours(strength), interpolation="nearest", aspect="auto")
    _name_classes(axes, classes, cell)
    if numbered:
        _write_numbers(axes, matrix, strength, form, cell)
    else:
        _list_mistakes(figure, raw, classes, left + side + 0.35, bottom, side)
    return figure


def _cell_size(count: int) -> float:
    """Inches a class."""
    if count <= 12:
        return min(5.4 / count, 1.0)
    return max(6.4 / count, 0.25) if count <= NUMBERED_CLASSES else 5.0 / count


def _strength(matrix: np.ndarray, full: float | None) -> np.ndarray:
    """How strong the colour of each cell is, from 0 to 0.9. Counts on and off the diagonal have scales of their own,
    or a few mistakes would stay invisible."""
    diagonal = np.eye(len(matrix), dtype=bool)
    share = np.zeros(matrix.shape)
    for part in (diagonal, ~diagonal):
        share[part] = matrix[part] / (full or max(matrix[part].max(initial=0), 1))
    # Cells that are not empty stay apart from white.
    return np.where(matrix > 0, 0.12 + 0.78 * np.sqrt(share), 0.0)


def _colours(strength: np.ndarray) -> np.ndarray:
    """C × C → C × C × 3."""
    diagonal = np.eye(len(strength), dtype=bool)[:, :, None]
    colours: np.ndarray = 1 - strength[:, :, None] * (1 - np.where(diagonal, RIGHT_COLOUR, WRONG_COLOUR))
    return colours


def _step(classes: list[str], cell: float) -> int:
    """Every how many classes one is named."""
    return max(int(np.ceil((0.4 if len(classes) > NUMBERED_CLASSES else 0.2) / cell)), 1)


def _upright(classes: list[str], cell: float) -> bool:
    """Whether the names fit side by side below the columns."""
    return room(classes, LONGEST) < cell * _step(classes, cell) * 0.95


def _name_classes(axes: "Axes", classes: list[str], cell: float) -> None:
    step, upright = _step(classes, cell), _upright(classes, cell)
    places = range(0, len(classes), step)
    names = [shorten(classes[i], LONGEST) for i in places]
    size = 9 if cell > 0.3 else 7.5
    # Plain text takes half the time of ticks, of which each makes three lines and two labels.
    axes.set_xticks([])
    axes.set_yticks([])
    low, left = len(classes) - 0.5 + 0.08 / cell, -0.5 - 0.08 / cell
    for place, name in zip(places, names, strict=True):
        axes.text(left, place, name, size=size, color=INK, ha="right", va="center")
        axes.text(place, low, name, size=size, color=INK, ha="center", va="top", rotation=0 if upright else 90)
    longest = max(map(len, names)) * (0.076 if size == 9 else 0.064)
    axes.xaxis.labelpad = 72 * (0.08 + (0.2 if upright else longest))  # in points
    axes.yaxis.labelpad = 72 * (0.08 + longest)
    for spine in axes.spines.values():
        spine.set_visible(len(classes) > NUMBERED_CLASSES)
        spine.set_color("#DDDDDD")
    if len(classes) <= NUMBERED_CLASSES:
        edges = np.arange(len(classes) + 1) - 0.5
        axes.hlines(edges, -0.5, len(classes) - 0.5, color="#EEEEEE", linewidth=0.8)
        axes.vlines(edges, -0.5, len(classes) - 0.5, color="#EEEEEE", linewidth=0.8)


def _write_numbers(axes: "Axes", matrix: np.ndarray, strength: np.ndarray, form: str, cell: float) -> None:
    size = float(np.clip(cell * 20, 6, 12))
    for row, column in np.argwhere(matrix > 0):
        dark = strength[row, column] > (0.58 if row == column else 0.72)
        text = form.format(matrix[row, column]).replace("100.0", "100")
        axes.text(column, row, text, ha="center", va="center", size=size, color="white" if dark else INK)


def _list_mistakes(
    figure: "Figure", matrix: np.ndarray, classes: list[str], left: float, bottom: float, height: float
) -> None:
    """The most frequent mistakes in words, where single cells cannot be read."""
    wrong = matrix - np.diag(matrix.diagonal())
    order = np.argsort(-wrong, axis=None, kind="stable")[:LISTED]
    axes = blank(figure, left, bottom, 2.4, height)
    axes.text(0, 0.1, "most frequent errors", size=9, color=GREY)
    axes.text(0, 0.32, "true → predicted", size=9, color=GREY)
    places = [divmod(int(i), len(classes)) for i in order if wrong.flat[i]]
    times = "\n".join(f"{wrong[place]}×" for place in places)
    names = "\n".join(f"{shorten(classes[t], 12)} → {shorten(classes[p], 12)}" for t, p in places)
    for x, text, side in ((0.3, times, "right"), (0.4, names, "left")):
        axes.text(x, 0.5, text, size=9, color=INK, ha=side, va="top", linespacing=1.75)
