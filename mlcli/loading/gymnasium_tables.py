"""Finite environments of gymnasium as decision processes, read from the transition tables that they expose."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mlcli.loading.dataset import Examples
from mlcli.loading.mdp import FiniteMDP, mdp_examples, outcome_tables


def make_environment(name: str, **settings: Any) -> Any:
    """The environment itself, without gymnasium's wrappers; its table is `P`."""
    import gymnasium

    return gymnasium.make(name, **settings).unwrapped


def cell_names(height: int, width: int) -> list[str]:
    """Names of the cells of a map, row by row."""
    return [f"row {row} column {column}" for row in range(height) for column in range(width)]


def tabular_examples(
    name: str, env: Any, limit: int, states: Sequence[str], actions: Sequence[str], grid: tuple[str, ...] = ()
) -> Examples:
    """The states of an environment as examples. grid: the rows of the map, if its cells are the states."""
    outcomes = [[env.P[state][action] for action in range(len(actions))] for state in range(len(states))]
    probabilities, next_states, rewards, terminal = outcome_tables(outcomes)
    mdp = FiniteMDP(
        probabilities,
        next_states,
        rewards,
        terminal,
        initial=torch.tensor(env.initial_state_distrib, dtype=torch.float64),
        goals=_goals(next_states, rewards, terminal),
        limit=limit,
        grid=grid,
        positions=torch.cartesian_prod(torch.arange(len(grid)), torch.arange(len(grid[0]))) if grid else None,
    )
    return mdp_examples(name, mdp, states, actions, f"gymnasium, {env.spec.id}")


def _goals(next_states: Tensor, rewards: Tensor, terminal: Tensor) -> Tensor:
    """The states in which an episode ends with the largest terminal reward."""
    best = terminal & (rewards == rewards[terminal].max())
    goals = torch.zeros(len(rewards), dtype=torch.bool)
    goals[next_states[best]] = True
    return goals
