from collections.abc import Callable
from typing import Any


def test_numpy_equals_torch(experiment: Callable[..., Any]) -> None:
    conclusion = experiment("convolution_by_hand", "trainer.epochs=3", "model.width=4")
    assert len(conclusion.rows) == 17
    assert all(row["max difference"] < 1e-12 for row in conclusion.rows)
    assert {row["channels"] for row in conclusion.rows} >= {"1 → 4", "4 → 8"}
    assert {row["dilation"] for row in conclusion.rows} >= {1, 2, 3}
    assert conclusion.rows[-1]["operation"] == "whole network"
    ours, _, theirs = conclusion.sentence.rpartition("% (torch: ")
    assert theirs.rstrip("%).") == ours.rpartition(" ")[2]
    assert {"edges", "kernels"} <= conclusion.figures()
