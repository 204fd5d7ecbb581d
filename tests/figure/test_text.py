"""Figures of texts: any text can be shown."""

from pathlib import Path

import numpy as np
import pytest

from mlcli.figure import text
from mlcli.figure.text import ACROSS, _places

AWKWARD = "It costs $5 or $6_^{\n\n\t\x00“ça” " + "long" * 40


def test_awkward_text_is_rendered(tmp_path: Path) -> None:
    losses = np.linspace(0, 9, len(AWKWARD))
    assert text.sample(AWKWARD, AWKWARD, 0.8).save(tmp_path).stat().st_size > 5000
    surprise = text.surprise(list(AWKWARD), losses, "character")
    assert surprise.save(tmp_path).stat().st_size > 5000
    assert surprise.data["bits"] == pytest.approx(losses / np.log(2))
    assert text.surprise(["a", "word"], np.ones(2), "word").data["tokens"] == ["a ", "word "]


def test_lines_break_at_their_end_and_at_line_breaks() -> None:
    places, rows = _places([*("x" * ACROSS), "y", "\n", "z"])
    assert places[ACROSS - 1 :] == [(0, ACROSS - 1), (1, 0), (1, 1), (2, 0)] and rows == 3
