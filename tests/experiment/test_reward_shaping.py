from collections.abc import Callable
from typing import Any

import pytest


def test_rewards_change_the_policy(experiment: Callable[..., Any]) -> None:
    conclusion = experiment("reward_shaping", "trainer.seed=0", "trainer.epochs=40", "task.decay=2400")
    steps = {row["rewards"]: row["steps"] for row in conclusion.rows}
    assert steps["step cost"] < 9 < steps["goal alone"] < 12 < 30 < steps["cliff penalty"]
    assert steps["potential"] == pytest.approx(steps["goal alone"], rel=0.1)
    assert steps["high step cost"] < 2 and steps["bonus"] > 90
    assert "policies" in conclusion.figures()
    assert "With high step cost and bonus the policy does not reach the goal" in conclusion.sentence
