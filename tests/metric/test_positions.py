"""Accuracy and cross-entropy by position."""

from pathlib import Path

import numpy as np
import pytest

from mlcli.figure.positions import accuracy_by_position, loss_by_position
from mlcli.metric import positions


def test_by_position(tmp_path: Path) -> None:
    targets = np.array([[0, 1, -1], [1, 1, -1]])
    plot = accuracy_by_position(*positions.accuracy(targets, np.array([[0, 0, 0], [1, 1, 0]])))
    assert plot.data == {"values": [1.0, 0.5, None], "count": [2, 2, 0], "overall": 0.75}
    assert plot.save(tmp_path).exists()
    losses = np.array([[1.0, 2.0], [3.0, 0.0]]) * np.log(2)
    counts = np.array([[True, True], [True, False]])
    plot = loss_by_position(*positions.bits(losses, counts), "character")
    assert plot.data["values"] == [2.0, 2.0] and plot.data["overall"] == pytest.approx(2.0)
    assert plot.save(tmp_path).exists()
