from collections.abc import Callable
from typing import Any


def test_more_units_remember_further_back(experiment: Callable[..., Any]) -> None:
    told = experiment("hidden_size_memory", "model.hidden_size=2,16", "data.delay=1,4", "trainer.epochs=5")
    small, large = told.rows
    assert (small["hidden size"], large["hidden size"]) == (2, 16)
    assert small["remembers"] < large["remembers"] == 4
    assert small["delay 4"] < 0.6 and large["delay 4"] > 0.9
    assert "16 units 4 steps; more units remember further back" in told.sentence
    assert "sweep" in told.figures()
