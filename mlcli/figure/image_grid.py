"""Small images side by side, with names for rows and columns."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mlcli.figure.plot import Plot, plain
from mlcli.figure.style import BLUE, GREY, HEADER, INK, MARGIN, VERMILLION, blank, page, room, shorten

if TYPE_CHECKING:
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

SIDE, GAP = 0.95, 0.12  # inches of a picture, and between two
HEAD = 0.25  # for the names of the columns
LONGEST = 16  # characters of a name

Picture = list[list[float]] | None


def image_grid(
    name: str, title: str, note: str, rows: Sequence[str], columns: Sequence[str],
    cells: Sequence[Sequence[np.ndarray | None]], signed: Sequence[Sequence[bool]],
) -> Plot:  # fmt: skip
    """Pictures H × W by row and column, None for an empty cell; signed ones have a diverging colour scale."""
    data = {
        "title": title,
        "note": note,
        "rows": list(rows),
        "columns": list(columns),
        "cells": [[None if cell is None else plain(cell) for cell in row] for row in cells],
        "signed": [list(row) for row in signed],
    }
    return Plot(name, render_image_grid, data)


def render_image_grid(
    title: str, note: str, rows: list[str], columns: list[str], cells: list[list[Picture]], signed: list[list[bool]]
) -> "Figure":
    """cells: by row and column the brightness H × W of a picture, or None for an empty place.

    A picture that is signed has white for 0, blue below and orange above; others run from black to white. Each has a
    scale of its own.
    """
    left, step = room(rows, LONGEST) + 0.1, SIDE + GAP
    width, height = left + step * len(columns), HEAD + step * len(rows)
    figure = page(2 * MARGIN + width, HEADER + height + MARGIN - GAP, title, note)
    axes = blank(figure, MARGIN, MARGIN - GAP, width, height)
    for column, name in enumerate(columns):
        place = left + step * column + SIDE / 2
        axes.text(place, HEAD - 0.08, shorten(name, LONGEST), size=9, color=GREY, ha="center", va="bottom")
    for row, name in enumerate(rows):
        top = HEAD + step * row
        axes.text(0, top + SIDE / 2, shorten(name, LONGEST), size=9, color=INK, va="center_baseline")
        for column, cell in enumerate(cells[row]):
            if cell is None:
                continue
            x, values = left + step * column, np.array(cell, dtype=float)
            low, high = _range(values, signed[row][column])
            axes.imshow(
                values, cmap=_diverging() if signed[row][column] else "gray", vmin=low, vmax=high,
                interpolation="nearest", aspect="auto", extent=(x, x + SIDE, top + SIDE, top),
            )  # fmt: skip
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    return figure


def _range(values: np.ndarray, signed: bool) -> tuple[float, float]:
    largest = float(np.abs(values).max()) or 1.0
    return (-largest, largest) if signed else (float(values.min()), float(values.max()))


def _diverging() -> "Colormap":
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("below and above", [BLUE, "white", VERMILLION])
