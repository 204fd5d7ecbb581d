from collections.abc import Callable
from typing import Any


def test_without_regularisation_the_gap_is_wide(experiment: Callable[..., Any]) -> None:
    told = experiment("regularisation", "variant=none,l2", "trainer.seed=0,1", "trainer.epochs=120")
    none, l2 = told.rows
    assert (none["variant"], l2["variant"]) == ("none", "l2")
    assert none["train/loss"] < l2["train/loss"] and none["val/loss"] > 1.5 * l2["val/loss"]
    assert none["accuracy gap"] > l2["accuracy gap"] + 0.03
    assert abs(none["accuracy gap"] - (none["train/accuracy"] - none["val/accuracy"])) < 1e-9
    assert "on 60 examples" in told.sentence and "l2 leaves the smallest gap" in told.sentence
    assert {"regularisation", "boundaries"} <= told.figures()
