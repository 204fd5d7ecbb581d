"""Rollouts of a policy in gymnasium's vector environments: whole episodes, or steps without end.

Shapes: E environments, T steps of the longest episode, D numbers of an observation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

Policy = Callable[[Tensor], Tensor]  # observations E × D → actions, E indices


@dataclass(frozen=True)
class Rollout:
    """One episode of each of E environments.

    observations: T × E × D; actions, rewards: T × E; lengths: E. After the end of an episode rewards are 0, and
    observations and actions are meaningless.
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
    def active(self) -> Tensor:
        """Whether an episode has not ended before a step, T × E."""
        return torch.arange(len(self.rewards)).unsqueeze(1) < self.lengths


def rollout(envs: Any, policy: Policy, seed: int) -> Rollout:
    """One episode in each of E environments (a gymnasium VectorEnv, which is closed afterwards); the seed determines
    the initial states."""
    observed, taken, received = [], [], []
    lengths, active = np.zeros(envs.num_envs, dtype=np.int64), np.ones(envs.num_envs, dtype=bool)
    observations, _ = envs.reset(seed=seed)
    while active.any():
        observed.append(_tensor(observations))
        taken.append(policy(observed[-1]))
        observations, rewards, terminated, truncated, _ = envs.step(taken[-1].numpy())
        received.append(np.where(active, rewards, 0.0))
        lengths += active
        active &= ~(terminated | truncated)
    envs.close()
    return Rollout(
        torch.stack(observed),
        torch.stack(taken),
        torch.from_numpy(np.stack(received)).float(),
        torch.from_numpy(lengths),
    )


@dataclass(frozen=True)
class Transitions:
    """The B ≤ E transitions of one step in E environments, and the returns of the episodes that ended with it.

    observations, next_observations: B × D; actions, rewards, terminated: B. An episode that is truncated by its time
    limit is not `terminated`: its last observation still has a value (Pardo et al. 2018, arXiv 1712.00378).
    """

    observations: Tensor
    actions: Tensor
    rewards: Tensor
    next_observations: Tensor
    terminated: Tensor
    returns: list[float]


class EnvStepper:
    """Steps through E environments side by side (a gymnasium VectorEnv); when an episode ends, the next begins."""

    def __init__(self, envs: Any, seed: int) -> None:
        self.envs = envs
        observations, _ = self.envs.reset(seed=seed)
        self.observations = _tensor(observations)
        self.over = np.zeros(envs.num_envs, dtype=bool)  # the next step only resets these environments
        self.returns = np.zeros(envs.num_envs)

    def step(self, actions: Tensor) -> Transitions:
        """Takes these actions, one in each environment."""
        observations, rewards, terminated, truncated, _ = self.envs.step(actions.numpy())
        before, acted = self.observations, ~self.over
        self.observations = _tensor(observations)
        self.returns = np.where(acted, self.returns + rewards, 0.0)
        self.over = terminated | truncated
        own = torch.from_numpy(acted)
        return Transitions(
            before[own],
            actions[own],
            torch.from_numpy(rewards).float()[own],
            self.observations[own],
            torch.from_numpy(terminated)[own],
            self.returns[self.over].tolist(),
        )


def _tensor(observations: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(observations, dtype=np.float32))
