"""Texts: samples of a language model, the surprisal of tokens, and misclassified texts."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mlcli.figure.largest_errors import classified, misclassified_title
from mlcli.figure.plot import Plot, plain
from mlcli.figure.style import BLUE, FAINT, GREY, HEADER, INK, MARGIN, ORANGE, VERMILLION, blank, brief, page, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 88  # characters of a line
CHARACTER, LINE, SIZE = 0.0752, 0.19, 9.0  # inches of a monospaced character and line, and its points
MOST_BITS = 8.0  # the strongest colour
NAMES, COLUMN, TEXT = 1.15, 0.95, 96  # inches of class names and probability; characters of a line of text


def sample(prompt: str, text: str, temperature: float) -> Plot:
    """sample: a text that the model generated after the prompt."""
    return Plot("sample", render_sample, {"prompt": prompt, "text": text, "temperature": temperature})


def surprise(tokens: Sequence[str], losses: np.ndarray, unit: str) -> Plot:
    """surprise: a real text, each token with its cross-entropy in bits; losses in nats."""
    shown = [f"{token} " if unit == "word" else token for token in tokens]
    data = {"tokens": shown, "bits": plain(losses / np.log(2))}
    return Plot("surprise", render_surprise, data | {"unit": unit})


def misclassified_texts(
    true: Sequence[str], predicted: Sequence[str], probability: np.ndarray, index: np.ndarray, wrong: int, total: int,
    texts: Sequence[str],
) -> Plot:  # fmt: skip
    """worst_mistakes of a classifier of texts; see `mlcli.figure.largest_errors`."""
    data = classified(true, predicted, probability, index, wrong, total) | {"texts": list(texts)}
    return Plot("worst_mistakes", render_misclassified_texts, data)


def render_sample(prompt: str, text: str, temperature: float) -> "Figure":
    """The prompt in grey, the generated text in black."""
    places, rows = _places([*prompt, *text])
    note = f"grey: the prompt, from the test split; {len(text):,} characters at temperature {brief(temperature)}"
    figure, axes = _lines("Sample", note, rows)
    _write(axes, [*prompt], places[: len(prompt)], GREY)
    _write(axes, [*text], places[len(prompt) :], INK)
    return figure


def render_surprise(tokens: list[str], bits: list[float], unit: str) -> "Figure":
    """The stronger the colour of a token, the lower its probability."""
    shown = [token.replace("\n", "↵\n") for token in tokens]
    places, rows = _places(shown)
    note = f"strongest colour: {MOST_BITS:g} bits or more; each token given those to its left"
    figure, axes = _lines(f"Surprisal · {np.mean(bits):.3f} bits per {unit} in this text", note, rows)
    strength = np.clip(np.array(bits) / MOST_BITS, 0, 1)
    for (row, column), token, strong in zip(places, shown, strength, strict=True):
        width = CHARACTER * len(token.rstrip("\n"))
        axes.barh((row + 0.5) * LINE, width, LINE * 0.92, left=column * CHARACTER, color=ORANGE, alpha=strong * 0.85)
    _write(axes, shown, places, INK)
    return figure


def render_misclassified_texts(
    true: list[str], predicted: list[str], probability: list[float], index: list[int], wrong: int, total: int,
    texts: list[str],
) -> "Figure":  # fmt: skip
    """A row for each text: true class, predicted class, its probability and how the text begins."""
    start, row = 2 * NAMES + COLUMN, 0.42
    across, down = start + 0.068 * TEXT, 0.3 + row * len(texts)
    figure = page(2 * MARGIN + across, HEADER + down + MARGIN, *misclassified_title(wrong, total, len(true)))
    axes = blank(figure, MARGIN, MARGIN, across, down)
    axes.hlines(0.3 + row * np.arange(len(texts) + 1), 0, across, color=FAINT, linewidth=0.8)
    for x, name in ((0.0, "true"), (NAMES, "predicted"), (2 * NAMES, "probability"), (start, "text")):
        axes.text(x, 0.2, name, size=9, color=GREY, va="bottom")
    for i, text in enumerate(texts):
        middle = 0.3 + row * (i + 0.5)
        cells = (
            (0.0, shorten(true[i], 14), BLUE),
            (NAMES, shorten(predicted[i], 14), VERMILLION if wrong else INK),
            (2 * NAMES, f"{probability[i]:.3f}", INK),
        )
        for x, cell, colour in cells:
            axes.text(x, middle, cell, size=9, color=colour, va="center_baseline")
        lines = "\n".join(textwrap.wrap(text, TEXT, max_lines=2, placeholder=" …"))
        axes.text(start, middle, lines, size=9, color=INK, va="center", linespacing=1.15, parse_math=False)
    return figure


def _lines(title: str, note: str, rows: int) -> "tuple[Figure, Axes]":
    across, down = ACROSS * CHARACTER, rows * LINE
    figure = page(2 * MARGIN + across, HEADER + down + MARGIN, title, note)
    return figure, blank(figure, MARGIN, MARGIN, across, down)


def _places(tokens: Sequence[str]) -> tuple[list[tuple[int, int]], int]:
    """Row and column at which each token begins, and how many rows there are."""
    places, row, column = [], 0, 0
    for token in tokens:
        if column + len(token.rstrip("\n")) > ACROSS:
            row, column = row + 1, 0
        places.append((row, column))
        column += len(token)
        if token.endswith("\n"):
            row, column = row + 1, 0
    return places, row + 1


def _write(axes: "Axes", tokens: Sequence[str], places: Sequence[tuple[int, int]], colour: str) -> None:
    """The tokens at their places: all of a row in one piece, since each piece costs time."""
    lines: dict[int, str] = {}
    for token, (row, column) in zip(tokens, places, strict=True):
        shown = "".join(letter if letter.isprintable() else " " for letter in token.rstrip("\n"))
        lines[row] = lines.get(row, "").ljust(column) + shown
    for row, line in lines.items():
        axes.text(
            0, (row + 0.5) * LINE, line, size=SIZE, color=colour, family="monospace", va="center_baseline",
            parse_math=False,
        )  # fmt: skip
