"""Worlds of finitely many states, as tables: what follows from each action, how likely, and what it is worth.

Shapes: S states, A actions, B branches (the most outcomes that any action has in any state).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mlcli.loading.dataset import Examples

FREE, WALL, START, GOAL, PIT = " ", "#", "S", "G", "O"  # of a map


@dataclass(frozen=True, eq=False)
class World:
    """A finite Markov decision process (Sutton and Barto 2018, chapter 3).

    chances, rewards: S × A × B (float64); chances of a state and action have the sum 1.
    following: S × A × B, the next states (int64); ends: S × A × B, whether the episode ends there.
    starts: S, the chance to begin in a state; goals: S, states in which it is good to end.
    limit: steps after which an episode is cut off, which is no end: what would have followed counts.
    grid, places: where the states are cells of a map, its rows of text, and the row and column of each state, S × 2.
    """

    chances: Tensor
    following: Tensor
    rewards: Tensor
    ends: Tensor
    starts: Tensor
    goals: Tensor
    limit: int
    grid: tuple[str, ...] = ()
    places: Tensor | None = None

    @property
    def tables(self) -> tuple[Tensor, ...]:
        """What makes this world another than the next."""
        return self.chances, self.following, self.rewards, self.ends

    @property
    def shape(self) -> tuple[int, int]:
        """S, A."""
        return self.chances.shape[0], self.chances.shape[1]


# Of one action in one state: each outcome with its chance, the next state, the reward, and whether that is the end.
Outcomes = Sequence[tuple[float, int, float, bool]]


def tables(outcomes: Sequence[Sequence[Outcomes]]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """S × A lists of outcomes → chances, following, rewards and ends. Missing branches have the chance 0."""
    most = max(len(branches) for actions in outcomes for branches in actions)
    filled = [
        [[*branches, *[(0.0, state, 0.0, False)] * (most - len(branches))] for branches in actions]
        for state, actions in enumerate(outcomes)
    ]
    table = torch.tensor(filled, dtype=torch.float64)
    return table[..., 0], table[..., 1].long(), table[..., 2], table[..., 3].bool()


def as_examples(name: str, world: World, states: Sequence[str], actions: Sequence[str], source: str) -> Examples:
    """The states of a world as examples. Nobody knows their best actions beforehand: the targets are all 0."""
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
