"""worst_mistakes: the largest errors of a model, as images or as rows of a table. N examples are shown."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcli.figure.plot import Plot, plain
from mlcli.figure.style import (
    BLUE,
    FAINT,
    GREY,
    HEADER,
    INK,
    MARGIN,
    VERMILLION,
    blank,
    brief,
    page,
    safe,
    shorten,
    wrap,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 5
PICTURE, CAPTION, GAP = 1.15, 0.62, 0.2  # inches
LARGEST = 64  # pixels of a side; larger images are subsampled
SHOWN_FEATURES = 6
ROW, FIRST, COLUMN = 0.27, 1.05, 0.98  # height of a row, width of leading and of feature columns, in inches


def most_shown(kind: str) -> int:
    """How many examples of this kind of input fit in the figure."""
    return 15 if kind == "image" else 12


def pixels(inputs: np.ndarray) -> dict[str, Any]:
    """N × channels × height × width in any range → {"images": N × height × width (× 3)} as bytes."""
    stride = max(-(-max(inputs.shape[2:]) // LARGEST), 1)
    images = np.nan_to_num(inputs[:, :, ::stride, ::stride].astype(np.float64))
    images = np.moveaxis(images, 1, 3) if images.shape[1] == 3 else images.mean(1)
    low, high = (float(images.min()), float(images.max())) if images.size else (0.0, 1.0)
    return {"images": ((images - low) / ((high - low) or 1) * 255).round().astype(np.uint8).tolist()}


Table = tuple[Sequence[str], np.ndarray, np.ndarray]  # names of F features, N × F values or names, N × F z-scores
Cell = float | str | None  # a number, the name of a level, or a missing value
NO_TABLE: Table = ((), np.empty(0), np.empty(0))


def misclassified(
    true: Sequence[str], predicted: Sequence[str], probability: np.ndarray, index: np.ndarray, wrong: int, total: int,
    images: np.ndarray | None = None, table: Table = NO_TABLE,
) -> Plot:  # fmt: skip
    """worst_mistakes of a classifier: true and predicted classes, the probability of the prediction, the position in
    the split; `wrong` of `total` examples are misclassified. Shown as `images` (see `pixels`), or as a table."""
    data = classified(true, predicted, probability, index, wrong, total)
    if images is not None:
        return Plot("worst_mistakes", render_misclassified_images, data | pixels(images))
    return Plot("worst_mistakes", render_misclassified_rows, data | _table_data(table))


def classified(
    true: Sequence[str], predicted: Sequence[str], probability: np.ndarray, index: np.ndarray, wrong: int, total: int
) -> dict[str, Any]:
    return {
        "true": list(true),
        "predicted": list(predicted),
        "probability": plain(probability.astype(np.float64)),
        "index": index.tolist(),
        "wrong": wrong,
        "total": total,
    }


def mispredicted(
    true: np.ndarray, predicted: np.ndarray, index: np.ndarray, target: str, total: int,
    images: np.ndarray | None = None, table: Table = NO_TABLE,
) -> Plot:  # fmt: skip
    """worst_mistakes of a regression: N targets and predictions, with their positions in a split of `total`."""
    data = {
        "true": plain(true),
        "predicted": plain(predicted),
        "index": index.tolist(),
        "target": target,
        "total": total,
    }
    if images is not None:
        return Plot("worst_mistakes", render_mispredicted_images, data | pixels(images))
    return Plot("worst_mistakes", render_mispredicted_rows, data | _table_data(table))


def _table_data(table: Table) -> dict[str, Any]:
    features, values, deviations = table
    rows = [[plain(value) for value in row] for row in values.tolist()]
    return {"features": list(features), "values": rows, "deviations": plain(deviations)}


def render_misclassified_images(
    images: list[Any], true: list[str], predicted: list[str], probability: list[float], index: list[int],
    wrong: int, total: int,
) -> "Figure":  # fmt: skip
    # Long names stand without the words; the note below the title explains the colours then.
    long = max(map(len, true + predicted)) > 7
    before = ("", "") if long else ("true ", "predicted ")
    captions = [
        (shorten(before[0] + t, 17), shorten(before[1] + p, 17), f"{sure:.2f}")
        for t, p, sure in zip(true, predicted, probability, strict=True)
    ]
    title, note = misclassified_title(wrong, total, len(true))
    note += "; blue: true class, orange: predicted" if long else "; below: probability of the prediction"
    return _pictures(images, captions, title, note, wrong > 0)


def render_mispredicted_images(
    images: list[Any], true: list[float], predicted: list[float], index: list[int], target: str, total: int
) -> "Figure":
    captions = [(f"true {brief(t)}", f"predicted {brief(p)}", "") for t, p in zip(true, predicted, strict=True)]
    return _pictures(images, captions, *_errors(true, predicted, total, target), True)


def render_misclassified_rows(
    true: list[str], predicted: list[str], probability: list[float], index: list[int], wrong: int, total: int,
    features: list[str], values: list[list[Cell]], deviations: list[list[float]],
) -> "Figure":  # fmt: skip
    leading = {
        "true": [shorten(t, 13) for t in true],
        "predicted": [shorten(p, 13) for p in predicted],
        "probability": [f"{sure:.3f}" for sure in probability],
    }
    return _table(leading, features, values, deviations, *misclassified_title(wrong, total, len(true)))


def render_mispredicted_rows(
    true: list[float], predicted: list[float], index: list[int], target: str, total: int, features: list[str],
    values: list[list[Cell]], deviations: list[list[float]],
) -> "Figure":  # fmt: skip
    errors = [p - t for t, p in zip(true, predicted, strict=True)]
    leading = {
        "true": [brief(t) for t in true],
        "predicted": [brief(p) for p in predicted],
        "error": [f"{'+' if error > 0 else '−'}{brief(abs(error))}" for error in errors],
    }
    return _table(leading, features, values, deviations, *_errors(true, predicted, total, target))


def misclassified_title(wrong: int, total: int, shown: int) -> tuple[str, str]:
    if not wrong:
        return f"Worst mistakes · none in {total:,}", "no example is misclassified; shown: the lowest confidence"
    return f"Worst mistakes · {wrong:,} of {total:,} misclassified", f"the {shown} with the highest confidence"


def _errors(true: list[float], predicted: list[float], total: int, target: str) -> tuple[str, str]:
    largest = max(abs(t - p) for t, p in zip(true, predicted, strict=True))
    note = f"{shorten(target, 40)}: the {len(true)} largest errors of {total:,} examples"
    return f"Worst mistakes · largest error {brief(largest)}", note


def _pictures(
    images: list[Any], captions: list[tuple[str, str, str]], title: str, note: str, wrong: bool
) -> "Figure":
    height, width = np.shape(images)[1:3]
    scale = PICTURE / max(height, width)
    tall, wide = height * scale, width * scale
    columns, rows = min(COLUMNS, len(images)), -(-len(images) // COLUMNS)
    across, down = columns * (PICTURE + GAP), rows * (tall + CAPTION)
    figure = page(2 * MARGIN + across, HEADER + down, title, note)
    axes = blank(figure, MARGIN, 0, across, down)
    for i, (image, caption) in enumerate(zip(images, captions, strict=True)):
        x, y = (i % COLUMNS) * (PICTURE + GAP), (i // COLUMNS) * (tall + CAPTION)
        axes.imshow(
            np.array(image, dtype=np.uint8), cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto",
            extent=(x, x + wide, y + tall, y),
        )  # fmt: skip
        for line, (text, colour) in enumerate(zip(caption, (BLUE, VERMILLION if wrong else INK, GREY), strict=True)):
            axes.text(x, y + tall + 0.15 + 0.155 * line, text, size=9, color=colour)
    axes.set_xlim(0, across)
    axes.set_ylim(down, 0)
    return figure


def _table(
    leading: dict[str, list[str]], features: list[str], values: list[list[Cell]],
    deviations: list[list[float]], title: str, note: str,
) -> "Figure":  # fmt: skip
    rows, head = len(values), 0.55 if features else 0.3
    across = FIRST * len(leading) + COLUMN * len(features)
    height = head + ROW * rows + 0.05
    extra = "; colour: z-score (blue below the mean, orange above)" if features else ""
    figure = page(2 * MARGIN + max(across, 4.4), HEADER + height + MARGIN, title, note + extra)
    axes = blank(figure, MARGIN, MARGIN, across, height)
    for column, (name, texts) in enumerate(leading.items()):
        colour = {"true": BLUE, "predicted": VERMILLION}.get(name, INK)
        _column(axes, FIRST * column, name, texts, head, colour)
    start = FIRST * len(leading)
    for column, name in enumerate(features):
        x = start + COLUMN * column
        _shade(axes, x, head, [row[column] for row in deviations])
        _column(axes, x + 0.12, wrap(name, 12, 3), [_cell(row[column]) for row in values], head, INK)
    axes.hlines(head + ROW * np.arange(rows + 1), 0, across, color=FAINT, linewidth=0.8)
    return figure


def _cell(value: Cell) -> str:
    """A number, or a level of a category; a dash where it is missing."""
    return (shorten(value, 12) or "–") if isinstance(value, str) else brief(value)


def _column(axes: "Axes", x: float, name: str, texts: list[str], head: float, colour: str) -> None:
    axes.text(x, head - 0.09, name, size=9, color=GREY, va="bottom", linespacing=1.05)
    for row, text in enumerate(texts):
        axes.text(x, head + ROW * (row + 0.5), safe(text), size=9, color=colour, va="center_baseline")


def _shade(axes: "Axes", x: float, head: float, deviations: list[float]) -> None:
    """Cells of a column: the larger the z-score, the stronger the colour, up to 3."""
    strength = np.clip(np.abs(deviations) / 3, 0, 1) * 0.5
    colours = [
        (0.0, 0.447, 0.698, s) if z < 0 else (0.9, 0.55, 0.0, s) for z, s in zip(deviations, strength, strict=True)
    ]
    tops = head + ROW * np.arange(len(deviations))
    axes.bar(x + 0.04, ROW, width=COLUMN - 0.08, bottom=tops, color=colours, align="edge", zorder=0)
