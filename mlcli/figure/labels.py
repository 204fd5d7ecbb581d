"""Scores of each label of a multi-label classifier, as a table."""

from typing import TYPE_CHECKING, Any

import numpy as np

from mlcli.figure.plot import Plot
from mlcli.figure.style import FAINT, GREY, HEADER, INK, MARGIN, blank, page, room, shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = {
    "examples": "examples",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "average_precision": "average\nprecision",
}
ROW, HEAD, COLUMN = 0.27, 0.42, 0.95  # inches
LONGEST, MOST = 24, 40  # characters of a label; rows


def labels(rows: list[dict[str, Any]], total: int, accuracy: float) -> Plot:
    """labels: a row for each label, {"label", "examples", "precision", "recall", "f1", "average_precision", …}."""
    return Plot("labels", render_labels, {"rows": rows, "total": total, "accuracy": accuracy})


def render_labels(rows: list[dict[str, Any]], total: int, accuracy: float) -> "Figure":
    """The labels by F1, best first."""
    ranked = sorted(rows, key=lambda row: -row["f1"])[:MOST]
    macro = float(np.mean([row["f1"] for row in rows]))
    first = room([row["label"] for row in rows], LONGEST) + 0.2
    across, down = first + COLUMN * len(COLUMNS), HEAD + ROW * len(ranked)
    note = f"{total:,} examples, exact match {accuracy:.1%}"
    figure = page(2 * MARGIN + across, HEADER + down + MARGIN, f"Labels · macro F1 {macro:.3f}", note)
    axes = blank(figure, MARGIN, MARGIN, across, down)
    axes.hlines(HEAD + ROW * np.arange(len(ranked) + 1), 0, across, color=FAINT, linewidth=0.8)
    for place, (key, name) in enumerate(COLUMNS.items(), 1):
        right = first + COLUMN * place - 0.1
        axes.text(right, HEAD - 0.07, name, size=9, color=GREY, ha="right", va="bottom", linespacing=1.05)
        for i, row in enumerate(ranked):
            value = row[key]
            text = "–" if value is None else f"{value:,}" if key == "examples" else f"{value:.3f}"
            axes.text(right, HEAD + ROW * (i + 0.5), text, size=9, color=INK, ha="right", va="center_baseline")
    for i, row in enumerate(ranked):
        axes.text(0, HEAD + ROW * (i + 0.5), shorten(row["label"], LONGEST), size=9, va="center_baseline")
    return figure
