import math
from collections.abc import Callable
from typing import Any

import pytest


def test_entropy_increases_with_temperature(experiment: Callable[..., Any]) -> None:
    conclusion = experiment("attention_softmax", "trainer.epochs=5")
    entropies = [row["entropy"] for row in conclusion.rows]
    assert entropies == sorted(entropies)
    assert entropies[0] < 0.1 and entropies[-1] == pytest.approx(math.log(8), abs=0.01)
    assert max(row["max difference from torch"] for row in conclusion.rows) < 1e-11
    assert "increases with the temperature" in conclusion.sentence
    assert {"attention_weights", "entropy"} <= conclusion.figures()
