"""Pictures of texts and of answers for each step: what they are drawn from, and that awkward text can be drawn."""

from pathlib import Path

import numpy as np
import pytest

from mlcli.figure.text import ACROSS, _places
from mlcli.metric import classification, steps, text

AWKWARD = "It costs $5 or $6_^{\n\n\t\x00“ça” " + "long" * 40


def test_awkward_text_is_drawn(tmp_path: Path) -> None:
    losses = np.linspace(0, 9, len(AWKWARD))
    assert text.sample(AWKWARD, AWKWARD, 0.8).save(tmp_path).stat().st_size > 5000
    surprise = text.surprise(list(AWKWARD), losses, "character")
    assert surprise.save(tmp_path).stat().st_size > 5000
    assert surprise.data["bits"] == pytest.approx(losses / np.log(2))
    assert text.surprise(["a", "word"], np.ones(2), "word").data["tokens"] == ["a ", "word "]


def test_lines_break_at_their_end_and_at_line_breaks() -> None:
    places, rows = _places([*("x" * ACROSS), "y", "\n", "z"])
    assert places[ACROSS - 1 :] == [(0, ACROSS - 1), (1, 0), (1, 1), (2, 0)] and rows == 3


def test_texts_that_were_mistaken_are_told_in_words(tmp_path: Path) -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
    plot = classification.worst(
        np.array([1, 1, 0]),
        probabilities,
        ["$a", "b"],
        np.array([[1], [2], [3]]),
        "tokens",
        (),
        lambda row: f"${row}",
    )
    assert plot.data["texts"] == ["$[1]", "$[3]"] and plot.data["true"] == ["b", "$a"]
    assert plot.save(tmp_path).exists()


def test_by_position(tmp_path: Path) -> None:
    targets = np.array([[0, 1, -1], [1, 1, -1]])
    plot = steps.accuracy_by_position(targets, np.array([[0, 0, 0], [1, 1, 0]]))
    assert plot.data == {"values": [1.0, 0.5, None], "count": [2, 2, 0], "overall": 0.75}
    assert plot.save(tmp_path).exists()
    losses = np.array([[1.0, 2.0], [3.0, 0.0]]) * np.log(2)
    plot = steps.loss_by_position(losses, np.array([[True, True], [True, False]]), "character")
    assert plot.data["values"] == [2.0, 2.0] and plot.data["overall"] == pytest.approx(2.0)
    assert plot.save(tmp_path).exists()
