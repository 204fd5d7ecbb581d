import math
from collections.abc import Callable
from typing import Any

import pytest


def test_entropy_rises_with_the_temperature(experiment: Callable[..., Any]) -> None:
    told = experiment("attention_softmax", "trainer.epochs=5")
    entropies = [row["entropy"] for row in told.rows]
    assert entropies == sorted(entropies)
    assert entropies[0] < 0.1 and entropies[-1] == pytest.approx(math.log(8), abs=0.01)
    assert max(row["largest difference from torch"] for row in told.rows) < 1e-11
    assert "rises with the temperature" in told.sentence
    assert {"attention_weights", "entropy"} <= told.figures()
