from collections.abc import Callable
from typing import Any


def test_the_generalisation_gap_is_largest_without_regularisation(experiment: Callable[..., Any]) -> None:
    conclusion = experiment("regularisation", "variant=none,l2", "trainer.seed=0,1", "trainer.epochs=120")
    none, l2 = conclusion.rows
    assert (none["variant"], l2["variant"]) == ("none", "l2")
    assert none["train/loss"] < l2["train/loss"] and none["val/loss"] > 1.5 * l2["val/loss"]
    assert none["accuracy gap"] > l2["accuracy gap"] + 0.03
    assert abs(none["accuracy gap"] - (none["train/accuracy"] - none["val/accuracy"])) < 1e-9
    assert "on 60 examples" in conclusion.sentence and "l2 has the smallest loss gap" in conclusion.sentence
    assert {"regularisation", "boundaries"} <= conclusion.figures()
