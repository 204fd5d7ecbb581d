"""Attention weights as heat maps, and their entropy. T tokens."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mlcli.figure.plot import Plot, plain
from mlcli.figure.style import BLUE, GREY, HEADER, INK, MARGIN, PALE, log_scale, page, panel, room, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FULL = np.array([0.0, 0.318, 0.502])  # of a weight of 1; none is white
HIDDEN = np.array([0.9, 0.9, 0.9])
LONGEST = 14  # characters of a label
GAP, TITLE = 0.3, 0.22  # inches between maps, and above each
NOTE = "rows: queries, columns: keys; each row sums to 1; white: weight 0, darkest: weight 1"


def attention_maps(
    name: str, weights: Sequence[np.ndarray], titles: Sequence[str], tokens: Sequence[str], columns: int, title: str,
    note: str = "",
) -> Plot:  # fmt: skip
    """A T × T heat map for each title; row and column i belong to token i; NaN is masked."""
    data = {
        "weights": [plain(matrix.round(4)) for matrix in weights],
        "titles": list(titles),
        "tokens": list(tokens),
        "columns": columns,
        "title": title,
        "note": note or NOTE,
    }
    return Plot(name, render_maps, data)


def attention_entropy(temperatures: Sequence[float], entropies: Sequence[float], most: float, title: str) -> Plot:
    """entropy: of the attention weights, in nats, by temperature; `most` is that of uniform weights."""
    data = {"temperatures": list(temperatures), "entropies": list(entropies), "most": most, "title": title}
    return Plot("entropy", render_entropy, data)


def render_maps(
    weights: list[list[list[float | None]]],
    titles: list[str],
    tokens: list[str],
    columns: int,
    title: str,
    note: str = NOTE,
) -> "Figure":
    """weights[map][row][column], a map for each title; row and column i belong to token i. None is hidden: grey."""
    cell = float(np.clip(3.2 / len(tokens), 0.17, 0.3))
    side, label = cell * len(tokens), 0.85 * room(tokens, LONGEST) + 0.2
    rows = -(-len(weights) // columns)
    width, height = columns * (side + GAP), rows * (side + GAP + TITLE)
    figure = page(MARGIN + label + width, HEADER + height + label, title, note)
    for i, (matrix, name) in enumerate(zip(weights, titles, strict=True)):
        row, column = divmod(i, columns)
        left = MARGIN + label + column * (side + GAP)
        bottom = label + (rows - 1 - row) * (side + GAP + TITLE) + GAP / 2
        axes = panel(figure, left, bottom, side, side)
        _map(axes, np.array(matrix, dtype=float), tokens, name)
        axes.tick_params(labelleft=column == 0, labelbottom=i + columns >= len(weights))
    return figure


def render_entropy(temperatures: list[float], entropies: list[float], most: float, title: str) -> "Figure":
    """Mean entropy of the weights, in nats, by temperature; `most` is that of uniform weights."""
    figure = page(6.6, 3.4 + 0.6 + HEADER, title, "mean over examples and steps; dashed: uniform weights")
    axes = panel(figure, MARGIN + 0.7, 0.6, 5.3, 3.4, "temperature", "entropy of the weights (nats)")
    axes.plot(temperatures, entropies, color=BLUE, marker="o", markersize=5, linewidth=1.5)
    axes.axhline(most, color=PALE, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
    log_scale(axes, "x", temperatures)
    axes.set_ylim(0, most * 1.08)
    return figure


def _map(axes: "Axes", weights: np.ndarray, tokens: list[str], title: str) -> None:
    axes.grid(False)
    shares = weights[:, :, None]
    colours = np.where(np.isnan(shares), HIDDEN, 1 - shares * (1 - FULL))
    axes.imshow(colours, interpolation="nearest", aspect="auto")
    names = [shorten(token, LONGEST) for token in tokens]
    axes.set_xticks(range(len(tokens)), names, rotation=90 if max(map(len, names)) > 2 else 0)
    axes.set_yticks(range(len(tokens)), names)
    axes.tick_params(length=0, labelsize=9, labelcolor=INK)
    for spine in axes.spines.values():
        spine.set(visible=True, color=PALE)
    axes.set_title(shorten(title, 40), size=9, color=GREY, loc="left", pad=4)
