"""What comes of acting in environments side by side: whole episodes, or a walk that goes on and on.

Shapes: E environments, T steps of the longest episode, D numbers of an observation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from mlcli.loading.environment import Environment

Policy = Callable[[Tensor], Tensor]  # observations E × D → actions, E indices


@dataclass(frozen=True)
class Played:
    """One episode of each of E environments. Beyond an episode's end rewards are 0, and all else means nothing.

    observations: T × E × D, and actions: T × E, as they were taken there; rewards: T × E; lengths: E.
    """

    observations: Tensor
    actions: Tensor
    rewards: Tensor
    lengths: Tensor

    @property
    def returns(self) -> Tensor:
        """The sum of each episode's rewards, E."""
        return self.rewards.sum(0)

    @property
    def going(self) -> Tensor:
        """Whether an episode had not ended before a step, T × E."""
        return torch.arange(len(self.rewards)).unsqueeze(1) < self.lengths


def play(environment: "Environment", policy: Policy, episodes: int, seed: int) -> Played:
    """So many episodes, each in an environment of its own, from beginnings that follow from the seed."""
    envs = environment.many(episodes)
    seen, acted, paid = [], [], []
    lengths, going = np.zeros(episodes, dtype=np.int64), np.ones(episodes, dtype=bool)
    observations, _ = envs.reset(seed=seed)
    while going.any():
        seen.append(_tensor(observations))
        acted.append(policy(seen[-1]))
        observations, rewards, terminated, truncated, _ = envs.step(acted[-1].numpy())
        paid.append(np.where(going, rewards, 0.0))
        lengths += going
        going &= ~(terminated | truncated)
    envs.close()
    return Played(
        torch.stack(seen), torch.stack(acted), torch.from_numpy(np.stack(paid)).float(), torch.from_numpy(lengths)
    )


@dataclass(frozen=True)
class Steps:
    """What a step in E environments has brought: B ≤ E transitions, and the returns of episodes that ended with it.

    observations, following: B × D; actions, rewards, ended: B. An episode that is cut off by its time limit goes on
    as far as values are concerned, and has not `ended` (Pardo et al. 2018, arXiv 1712.00378).
    """

    observations: Tensor
    actions: Tensor
    rewards: Tensor
    following: Tensor
    ended: Tensor
    returns: list[float]


class Walk:
    """E environments that are acted in, step by step; when an episode ends, the next begins."""

    def __init__(self, environment: "Environment", count: int, seed: int) -> None:
        self.envs = environment.many(count)
        observations, _ = self.envs.reset(seed=seed)
        self.observations = _tensor(observations)
        self.over = np.zeros(count, dtype=bool)  # the next step only begins anew
        self.returns = np.zeros(count)

    def step(self, actions: Tensor) -> Steps:
        """Takes these actions, one in each environment."""
        following, rewards, terminated, truncated, _ = self.envs.step(actions.numpy())
        before, acted = self.observations, ~self.over
        self.observations = _tensor(following)
        self.returns = np.where(acted, self.returns + rewards, 0.0)
        self.over = terminated | truncated
        own = torch.from_numpy(acted)
        return Steps(
            before[own],
            actions[own],
            torch.from_numpy(rewards).float()[own],
            self.observations[own],
            torch.from_numpy(terminated)[own],
            self.returns[self.over].tolist(),
        )


def _tensor(observations: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(observations, dtype=np.float32))
