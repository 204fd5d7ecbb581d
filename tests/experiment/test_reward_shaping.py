from collections.abc import Callable
from typing import Any

import pytest


def test_rewards_decide_on_the_way(experiment: Callable[..., Any]) -> None:
    told = experiment("reward_shaping", "trainer.seed=0", "trainer.epochs=40", "task.decay=2400")
    steps = {row["rewards"]: row["steps"] for row in told.rows}
    assert steps["step cost"] < 9 < steps["goal alone"] < 12 < 30 < steps["cliff penalty"]
    assert steps["potential"] == pytest.approx(steps["goal alone"], rel=0.1)
    assert steps["high step cost"] < 2 and steps["bonus"] > 90
    assert "policies" in told.figures()
    assert "With high step cost, bonus the agent does not go for the goal" in told.sentence
