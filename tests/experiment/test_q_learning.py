from collections.abc import Callable
from typing import Any


def test_finds_the_best_way(experiment: Callable[..., Any]) -> None:
    told = experiment("q_learning", "trainer.seed=0,1,2")
    assert [(row["steps"], row["best"]) for row in told.rows] == [(13, True)] * 3
    assert all(row["first best after episodes"] <= 100 for row in told.rows)
    assert {"online_return", "policy", "sweep"} <= told.figures()
    assert "a best way on 3 of 3 seeds" in told.sentence and "0.88 in 13 steps" in told.sentence
