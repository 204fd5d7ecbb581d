from collections.abc import Callable
from typing import Any


def test_finds_an_optimal_policy(experiment: Callable[..., Any]) -> None:
    conclusion = experiment("q_learning", "trainer.seed=0,1,2")
    assert [(row["steps"], row["optimal"]) for row in conclusion.rows] == [(13, True)] * 3
    assert all(row["episodes to optimal policy"] <= 100 for row in conclusion.rows)
    assert {"online_return", "policy", "sweep"} <= conclusion.figures()
    assert "an optimal policy with 3 of 3 seeds" in conclusion.sentence and "0.88 in 13 steps" in conclusion.sentence
