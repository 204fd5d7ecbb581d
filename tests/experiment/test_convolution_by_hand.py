from collections.abc import Callable
from typing import Any


def test_by_hand_is_as_by_torch(experiment: Callable[..., Any]) -> None:
    told = experiment("convolution_by_hand", "trainer.epochs=3", "model.width=4")
    assert len(told.rows) == 17
    assert all(row["largest difference"] < 1e-12 for row in told.rows)
    assert {row["channels"] for row in told.rows} >= {"1 → 4", "4 → 8"}
    assert {row["dilation"] for row in told.rows} >= {1, 2, 3}
    assert told.rows[-1]["operation"] == "whole network"
    first, _, last = told.sentence.rpartition(" test digits correctly, torch's ")
    assert last.rstrip(".") in first
    assert {"edges", "kernels"} <= told.figures()
