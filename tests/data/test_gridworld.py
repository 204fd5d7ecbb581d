"""Worlds as tables: chances, moves, rewards, and what shaping does to the best policy."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mlcli.data.cliff_walking import cliff_walking
from mlcli.data.frozen_lake import frozen_lake
from mlcli.data.gridworld import distances, gridworld
from mlcli.data.taxi import taxi
from mlcli.task.tabular.dynamic_programming import evaluate_policies, value_iteration

MAP = ["S..O", ".#..", "...G"]
UP, RIGHT, DOWN, LEFT = range(4)


def test_walls_and_edges_keep_an_agent_where_it_is() -> None:
    examples = gridworld(MAP, step=-0.5, goal=2.0, pit=-3.0)
    world, state = examples.world, {name: index for index, name in enumerate(examples.vocabulary)}
    assert len(state) == 11 and examples.classes == ("up", "right", "down", "left")

    def after(place: str, action: int) -> tuple[str, float, bool]:
        at = state[place], action, 0
        return examples.vocabulary[world.next_states[at]], float(world.rewards[at]), bool(world.terminal[at])

    assert after("row 0 column 0", UP) == ("row 0 column 0", -0.5, False)
    assert after("row 1 column 0", RIGHT) == ("row 1 column 0", -0.5, False)
    assert after("row 0 column 2", RIGHT) == ("row 0 column 3", -3.0, True)
    assert after("row 2 column 2", RIGHT) == ("row 2 column 3", 2.0, True)


def test_worlds_with_other_rewards_have_other_digests() -> None:
    first, same, other = (gridworld(MAP, step=step).digest for step in (-0.1, -0.1, -0.2))
    assert first == same != other


def test_a_pit_may_lead_back_to_the_start() -> None:
    world = gridworld(MAP, falls="restart").world
    before_the_pit = 2
    assert world.next_states[before_the_pit, RIGHT, 0] == 0 and not world.terminal[before_the_pit, RIGHT, 0]


def test_slips_go_to_either_side() -> None:
    world = gridworld(["...", ".S.", "..G"], slip=0.2).world
    assert world.probabilities[4, UP].tolist() == [0.8, 0.1, 0.1]
    assert world.next_states[4, UP].tolist() == [1, 5, 3]


@pytest.mark.parametrize("examples", [gridworld(MAP, slip=0.3), frozen_lake(), cliff_walking(), taxi()])
def test_chances_have_the_sum_1(examples) -> None:
    world = examples.world
    torch.testing.assert_close(world.probabilities.sum(2), torch.ones(world.shape, dtype=torch.float64))
    assert world.initial.sum() == pytest.approx(1)
    assert world.goals.any() and world.shape == (len(examples.vocabulary), len(examples.classes))


def test_distances_go_around_walls() -> None:
    cells = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 2)]  # a wall below the middle
    assert distances(cells, ["G", " ", " ", " ", "S"]) == [0, 1, 2, 1, 3]


def test_a_potential_changes_no_best_policy_and_a_bonus_for_coming_nearer_does() -> None:
    """Ng, Harada and Russell (1999)."""
    settings = {"slip": 0.1, "step": -0.02, "limit": 100}
    plain = value_iteration(gridworld(MAP, **settings).world, 0.99)
    shaped = value_iteration(gridworld(MAP, **settings, potential=0.7, discount=0.99).world, 0.99)
    decides = [state for state in range(11) if state not in (3, 10)]  # not in the pit or at the goal
    assert (plain.argmax(1) == shaped.argmax(1))[decides].all()
    bonus = gridworld(MAP, **settings, nearer=0.5).world
    assert evaluate_policies(bonus, value_iteration(bonus, 0.99).argmax(1)[None]).success[0] < 0.5
    assert np.ptp(plain[0] - shaped[0]) == pytest.approx(0, abs=1e-8)  # all by the potential of the state


def test_the_unit_of_the_rewards_does_not_matter() -> None:
    world = gridworld(MAP, slip=0.1, step=-0.02).world
    tiny = replace(world, rewards=world.rewards * 1e-12)
    assert value_iteration(tiny, 0.99) * 1e12 == pytest.approx(value_iteration(world, 0.99), rel=1e-6)
