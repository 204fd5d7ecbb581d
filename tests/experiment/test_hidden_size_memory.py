from collections.abc import Callable
from typing import Any


def test_more_units_recall_longer_delays(experiment: Callable[..., Any]) -> None:
    conclusion = experiment("hidden_size_memory", "model.hidden_size=2,16", "data.delay=1,4", "trainer.epochs=5")
    small, large = conclusion.rows
    assert (small["hidden size"], large["hidden size"]) == (2, 16)
    assert small["memory span"] < large["memory span"] == 4
    assert small["delay 4"] < 0.6 and large["delay 4"] > 0.9
    assert "16 units 4 steps; it grows with the number of units" in conclusion.sentence
    assert conclusion.figures() == {"sweep_delay=1", "sweep_delay=4"}
