"""Finite Markov decision processes as tables: next states, probabilities and rewards of each action.

Shapes: S states, A actions, B branches (the largest number of outcomes of any action in any state).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mlcli.loading.dataset import Examples

FREE, WALL, START, GOAL, PIT = " ", "#", "S", "G", "O"  # of a map


@dataclass(frozen=True, eq=False)
class FiniteMDP:
    """A finite Markov decision process (Sutton and Barto 2018, chapter 3).

    probabilities, rewards: S × A × B (float64); the probabilities of a state and action sum to 1.
    next_states: S × A × B (int64); terminal: S × A × B, whether the episode ends with this outcome.
    initial: S, the distribution of the initial state; goals: S, the states in which an episode ends successfully.
    limit: steps after which an episode is truncated; a truncated episode is not terminal, its last state has a value.
    grid, positions: for states that are cells of a map, the rows of the map as text, and row and column of each
    state, S × 2.
    """

    probabilities: Tensor
    next_states: Tensor
    rewards: Tensor
    terminal: Tensor
    initial: Tensor
    goals: Tensor
    limit: int
    grid: tuple[str, ...] = ()
    positions: Tensor | None = None

    @property
    def tables(self) -> tuple[Tensor, ...]:
        """The transition model; two processes are the same if these are equal."""
        return self.probabilities, self.next_states, self.rewards, self.terminal

    @property
    def shape(self) -> tuple[int, int]:
        """S, A."""
        return self.probabilities.shape[0], self.probabilities.shape[1]


# The outcomes of one action in one state: probability, next state, reward, and whether the episode ends.
Outcomes = Sequence[tuple[float, int, float, bool]]


def outcome_tables(outcomes: Sequence[Sequence[Outcomes]]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """S × A lists of outcomes → probabilities, next states, rewards and terminal flags, each S × A × B. Missing
    branches have probability 0."""
    most = max(len(branches) for actions in outcomes for branches in actions)
    filled = [
        [[*branches, *[(0.0, state, 0.0, False)] * (most - len(branches))] for branches in actions]
        for state, actions in enumerate(outcomes)
    ]
    table = torch.tensor(filled, dtype=torch.float64)
    return table[..., 0], table[..., 1].long(), table[..., 2], table[..., 3].bool()


def mdp_examples(name: str, world: FiniteMDP, states: Sequence[str], actions: Sequence[str], source: str) -> Examples:
    """The states of a decision process as examples. Their optimal actions are unknown, so all targets are 0."""
    return Examples(
        name=name,
        kind="state",
        inputs=torch.arange(len(states)).unsqueeze(1),
        targets=torch.zeros(len(states), dtype=torch.int64),
        classes=tuple(actions),
        target="action",
        source=source,
        vocabulary=tuple(states),
        world=world,
    )
