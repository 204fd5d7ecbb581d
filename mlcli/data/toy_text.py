"""Small worlds of gymnasium, read as tables from the environments themselves (`env.unwrapped.P`)."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import torch
from torch import Tensor

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples
from mlcli.loading.mdp import FREE, GOAL, PIT, START, FiniteMDP, mdp_examples, outcome_tables

Limit = Annotated[int, Range(1)]
TAXI_STANDS = ("red", "green", "yellow", "blue")


def frozen_lake(*, map: Literal["4x4", "8x8"] = "4x4", slippery: bool = True, limit: Limit = 100) -> Examples:
    """A way over the ice to the goal, which alone is rewarded, by 1; holes end the episode. On slippery ice a step
    goes where it should one time in three, else to one of the sides."""
    env = _make("FrozenLake-v1", map_name=map, is_slippery=slippery)
    rows = tuple("".join(_MARKS[mark.decode()] for mark in row) for row in env.desc)
    name = "frozen_lake"
    return _from_tables(name, env, limit, _cells(len(rows), len(rows[0])), ("left", "down", "right", "up"), rows)


def cliff_walking(*, limit: Limit = 500) -> Examples:
    """From corner to corner along a cliff: −1 a step, and −100 for a fall, which leads back to the start.

    Sutton and Barto (2018), example 6.6, where no episode is cut off: `limit` is ours.
    """
    env = _make("CliffWalking-v1")
    rows = (*[FREE * 12] * 3, START + PIT * 10 + GOAL)
    return _from_tables("cliff_walking", env, limit, _cells(4, 12), ("up", "right", "down", "left"), rows)


def taxi(*, limit: Limit = 200) -> Examples:
    """A taxi fetches a passenger and takes him where he wants: −1 a step, −10 for what cannot be done, 20 at the end.

    Dietterich (2000), "Hierarchical reinforcement learning with the MAXQ value function decomposition".
    """
    env = _make("Taxi-v4")
    names = [_taxi_state(*env.decode(state)) for state in range(len(env.P))]
    return _from_tables("taxi", env, limit, names, ("south", "north", "east", "west", "pick up", "drop off"))


_MARKS = {"S": START, "F": FREE, "H": PIT, "G": GOAL}


def _make(name: str, **settings: Any) -> Any:
    import gymnasium

    return gymnasium.make(name, **settings).unwrapped


def _cells(height: int, width: int) -> list[str]:
    return [f"row {row} column {column}" for row in range(height) for column in range(width)]


def _taxi_state(row: int, column: int, passenger: int, destination: int) -> str:
    where = (*TAXI_STANDS, "taxi")[passenger]
    return f"row {row} column {column}, passenger at {where}, to {TAXI_STANDS[destination]}"


def _from_tables(
    name: str, env: Any, limit: int, states: Sequence[str], actions: Sequence[str], rows: tuple[str, ...] = ()
) -> Examples:
    outcomes = [[env.P[state][action] for action in range(len(actions))] for state in range(len(states))]
    chances, following, rewards, ends = outcome_tables(outcomes)
    world = FiniteMDP(
        chances,
        following,
        rewards,
        ends,
        initial=torch.tensor(env.initial_state_distrib, dtype=torch.float64),
        goals=_goals(following, rewards, ends),
        limit=limit,
        grid=rows,
        positions=torch.cartesian_prod(torch.arange(len(rows)), torch.arange(len(rows[0]))) if rows else None,
    )
    return mdp_examples(name, world, states, actions, f"gymnasium, {env.spec.id}")


def _goals(following: Tensor, rewards: Tensor, ends: Tensor) -> Tensor:
    """The states in which an episode ends with the largest reward that any end has."""
    best = ends & (rewards == rewards[ends].max())
    goals = torch.zeros(len(rewards), dtype=torch.bool)
    goals[following[best]] = True
    return goals
