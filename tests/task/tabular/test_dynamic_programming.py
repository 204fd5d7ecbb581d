"""Exact policy evaluation against closed forms."""

import numpy as np
import pytest

from mlcli.data.gridworld import gridworld
from mlcli.task.tabular.dynamic_programming import evaluate_policies, success_without_limit


def test_the_length_of_an_episode_in_a_slippery_corridor_has_the_closed_form() -> None:
    """Slips lead into the walls above and below: each of the four steps takes 1 / 0.8 attempts."""
    world = gridworld(["S...G"], slip=0.2, step=-1.0, goal=0.0, limit=1000).world
    right = np.ones((1, 5), dtype=int)
    evaluated = evaluate_policies(world, right)
    assert evaluated.steps[0] == pytest.approx(5.0) and evaluated.returns[0] == pytest.approx(-4.0)
    assert success_without_limit(world, right[0]) == pytest.approx(1.0)
    left = evaluate_policies(world, np.full((1, 5), 3))
    assert (left.steps[0], left.success[0]) == (1000, 0)
