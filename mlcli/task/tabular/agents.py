"""Agents with tables that live through episodes, those of one trial or of many side by side, in lockstep.

Shapes: K agents, N tables of each (2 for double Q-learning), S states, A actions, B branches, E episodes.
"""

import copy
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mlcli.loading.mdp import FiniteMDP

BLOCK = 256  # steps whose random numbers are drawn at a time
SETTINGS = ("alpha", "alpha_end", "alpha_power", "epsilon", "epsilon_end", "decay", "gamma")
LEARNT = ("tables", "visits", "returns", "lengths")


class Draw(NamedTuple):
    """Uniform random numbers of one step, K each; `action` has one for each action, K × A."""

    explore: np.ndarray
    branch: np.ndarray
    start: np.ndarray
    table: np.ndarray
    action: np.ndarray


class Agents:
    """What the agents of these control tasks know, and how they learn it.

    Each draws its random numbers from a generator of its own, which follows from its seed and the epoch, and takes as
    many of them at each step, whatever happens: alone or beside others, it lives the same life.
    """

    def __init__(self, tasks: Sequence[Any]) -> None:
        lead = tasks[0]
        self.world: FiniteMDP = lead.world
        self.method: str = lead.method
        self.seeds = [task.seed for task in tasks]
        self.settings = {name: np.array([float(getattr(task, name)) for task in tasks]) for name in SETTINGS}
        self.tables = np.stack([_numpy(task.model.tables) for task in tasks])  # K × N × S × A
        self.visits = np.stack([_numpy(task.model.visits) for task in tasks])  # K × S × A
        self.returns = np.zeros((len(tasks), 0))  # of each episode so far, K × E
        self.lengths = np.zeros((len(tasks), 0), dtype=np.int64)
        self._read_world()

    @property
    def rows(self) -> np.ndarray:
        return np.arange(len(self.seeds))

    def _read_world(self) -> None:
        """Tables of the world that a flat index of state and action, or of state, action and branch, leads into."""
        states, actions = self.world.shape
        self.bounds = self.world.probabilities.numpy().cumsum(2).reshape(states * actions, -1)[:, :-1]
        self.following = self.world.next_states.numpy().ravel()
        self.rewards = self.world.rewards.numpy().ravel()
        self.ends = self.world.terminal.numpy().ravel()
        self.starts = self.world.initial.numpy().cumsum()[:-1]

    def live(self, epoch: int, episodes: int) -> dict[str, np.ndarray]:
        """So many episodes of each agent. Gives the mean squared error of its targets, and the means of what the
        episodes returned and of how long they were, each K."""
        count, limit = len(self.seeds), self.world.limit
        returns, lengths = np.zeros((count, episodes)), np.zeros((count, episodes), dtype=np.int64)
        done = np.zeros(count, dtype=np.int64)
        gained, length, errors = np.zeros(count), np.zeros(count, dtype=np.int64), np.zeros(count)
        past, on_policy = self.returns.shape[1], self.method == "sarsa"
        draws = self._draws(epoch)
        draw = next(draws)
        state = self._begin(draw)
        self._set_rates(past + done)
        action = self._choose(state, draw)
        alive = done < episodes
        while alive.any():
            draw = next(draws)
            following, reward, ends = self._act(state, action, draw)
            intended = self._choose(following, draw) if on_policy else None
            target = reward + self.settings["gamma"] * ~ends * self._future(following, intended, draw)
            errors += alive * self._learn(state, action, target, alive, draw) ** 2
            gained, length = gained + reward, length + 1
            over = ends | (length >= limit)
            state = following
            if over.any():
                ended = self.rows[over & alive]
                returns[ended, done[ended]], lengths[ended, done[ended]] = gained[ended], length[ended]
                done[ended] += 1
                gained[over], length[over] = 0.0, 0
                state = np.where(over, self._begin(draw), state)
                self._set_rates(past + done)
                alive = done < episodes
            action = self._choose(state, draw)
            if intended is not None:  # an agent that learns about its own steps takes the one that it has learnt from
                action = np.where(over, action, intended)
        self.returns = np.concatenate([self.returns, returns], 1)
        self.lengths = np.concatenate([self.lengths, lengths], 1)
        return {
            "loss": errors / lengths.sum(1),
            "online_return": returns.mean(1),
            "online_steps": lengths.mean(1),
        }

    def _draws(self, epoch: int) -> Iterator[Draw]:
        """The random numbers of each step."""
        generators = [np.random.default_rng([seed, epoch]) for seed in self.seeds]
        width = 4 + self.world.shape[1]
        while True:
            for step in np.stack([each.random((BLOCK, width)) for each in generators], 1):
                yield Draw(step[:, 0], step[:, 1], step[:, 2], step[:, 3], step[:, 4:])

    def _begin(self, draw: Draw) -> np.ndarray:
        return self.starts.searchsorted(draw.start, side="right")

    def _set_rates(self, episodes: np.ndarray) -> None:
        """Those of the episodes that begin, which have so many before them."""
        given = self.settings
        share = np.minimum(episodes / given["decay"], 1.0)
        self.alpha = given["alpha"] + share * (given["alpha_end"] - given["alpha"])
        self.epsilon = given["epsilon"] + share * (given["epsilon_end"] - given["epsilon"])

    def _values(self, state: np.ndarray) -> np.ndarray:
        """K × A, by all tables of an agent."""
        values: np.ndarray = self.tables[self.rows, 0, state]
        return (values + self.tables[self.rows, 1, state]) / 2 if self.method == "double_q" else values

    def _choose(self, state: np.ndarray, draw: Draw) -> np.ndarray:
        """An action of each agent: with the chance epsilon any, else the best, or one of the best."""
        values = self._values(state)
        allowed = (values == values.max(1, keepdims=True)) | (draw.explore < self.epsilon)[:, None]
        chosen: np.ndarray = np.where(allowed, draw.action, -1.0).argmax(1)
        return chosen

    def _act(self, state: np.ndarray, action: np.ndarray, draw: Draw) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Next states, rewards, and whether that is the end."""
        at = state * self.world.shape[1] + action
        branches = self.bounds.shape[1] + 1
        branch = (draw.branch[:, None] >= self.bounds[at]).sum(1)
        outcome = at * branches + branch
        return self.following[outcome], self.rewards[outcome], self.ends[outcome]

    def _future(self, state: np.ndarray, intended: np.ndarray | None, draw: Draw) -> np.ndarray:
        """What each method believes the next state to be worth (Sutton and Barto 2018, chapter 6)."""
        rows = self.rows
        if self.method == "double_q":  # one table says which action is best, the other what it is worth
            own = self._table(draw)
            best = self.tables[rows, own, state].argmax(1)
            return self.tables[rows, 1 - own, state, best]  # type: ignore[no-any-return]  # numbers
        values = self._values(state)
        if self.method == "sarsa":
            worth: np.ndarray = values[rows, intended]
        elif self.method == "expected_sarsa":
            worth = (1 - self.epsilon) * values.max(1) + self.epsilon * values.mean(1)
        else:
            worth = values.max(1)
        return worth

    def _table(self, draw: Draw) -> np.ndarray:
        """Which of its tables each agent updates."""
        return (draw.table * 2).astype(np.int64) if self.method == "double_q" else np.zeros_like(self.rows)

    def _learn(
        self,
        state: np.ndarray,
        action: np.ndarray,
        target: np.ndarray,
        alive: np.ndarray,
        draw: Draw,
    ) -> np.ndarray:
        """Moves the values towards their targets, of agents that are still alive. Returns how far they were off."""
        rows = self.rows
        self.visits[rows, state, action] += alive
        rate = alive * self.alpha
        if self.settings["alpha_power"].any():
            rate = rate / np.maximum(self.visits[rows, state, action], 1) ** self.settings["alpha_power"]
        at = rows, self._table(draw), state, action
        error: np.ndarray = target - self.tables[at]
        self.tables[at] += rate * error
        return error

    def keep(self, rows: Sequence[int]) -> None:
        """Goes on with these."""
        index = list(rows)
        self.seeds = [self.seeds[row] for row in index]
        self.settings = {name: values[index] for name, values in self.settings.items()}
        for name in LEARNT:
            setattr(self, name, getattr(self, name)[index])

    def only(self, row: int) -> "Agents":
        """That agent, alone."""
        one = copy.copy(self)
        one.keep([row])
        return one

    def state_dict(self) -> dict[str, Tensor]:
        return {name: torch.from_numpy(getattr(self, name)) for name in LEARNT}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        for name in LEARNT:
            setattr(self, name, state[name].numpy().copy())


def _numpy(tensor: Any) -> np.ndarray:
    values: np.ndarray = tensor.detach().cpu().double().numpy()
    return values
