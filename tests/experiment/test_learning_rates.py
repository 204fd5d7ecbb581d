from collections.abc import Callable
from typing import Any


def test_learning_rates_are_too_small_right_or_divergent(experiment: Callable[..., Any]) -> None:
    conclusion = experiment("learning_rates")
    outcomes = {row["learning rate"]: row["outcome"] for row in conclusion.rows}
    assert outcomes[0.0001] == outcomes[0.001] == "converges too slowly"
    assert outcomes[0.1] == outcomes[0.3] == "converges"
    assert outcomes[3.0] == "diverges"
    assert {"sweep", "compare"} <= conclusion.figures()
    assert "3 diverge" in conclusion.sentence and "is the fastest" in conclusion.sentence
