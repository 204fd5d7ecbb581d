"""Q-learning, SARSA, expected SARSA and double Q-learning with tables, for one trial or many in lockstep.

Each step moves Q(s, a) towards a target: Q += α · (r + γ · V(s') − Q), where the methods differ in V(s'), their
estimate of the value of the next state (Sutton and Barto 2018, chapter 6).

Shapes: K agents, N tables of each (2 for double Q-learning), S states, A actions, B branches, E episodes.
"""

import copy
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mlcli.loading.mdp import FiniteMDP
from mlcli.task.tabular.dynamic_programming import (
    convergence_tolerance,
    evaluate_policies,
    value_iteration_sweep,
)

BLOCK = 256  # steps whose random numbers are sampled at a time
SWEEPS = 100  # of value iteration in an epoch
SETTINGS = ("alpha", "alpha_end", "alpha_power", "epsilon", "epsilon_end", "decay", "gamma")
STATE = ("tables", "visits", "returns", "lengths")


class Uniform(NamedTuple):
    """Uniform random numbers of one time step by what they decide, K each; for `action` one per action, K × A."""

    explore: np.ndarray
    branch: np.ndarray
    start: np.ndarray
    table: np.ndarray
    action: np.ndarray


class TabularAgents:
    """The agents of these control tasks: their tables, and how they learn.

    Each agent has a random generator of its own, which follows from its seed and the epoch, and every time step takes
    the same number of random numbers from it: an agent learns the same alone or beside others.
    tables: K × N × S × A; visits: K × S × A, how often an action was taken; returns, lengths: K × E, of the training
    episodes so far.
    """

    def __init__(self, tasks: Sequence[Any]) -> None:
        lead = tasks[0]
        self.mdp: FiniteMDP = lead.mdp
        self.method: str = lead.method
        self.episodes: int = lead.episodes
        self.seeds = [task.seed for task in tasks]
        self.settings = {name: np.array([float(getattr(task, name)) for task in tasks]) for name in SETTINGS}
        self.tables = np.stack([_numpy(task.model.tables) for task in tasks])
        self.visits = np.stack([_numpy(task.model.visits) for task in tasks])
        self.returns = np.zeros((len(tasks), 0))
        self.lengths = np.zeros((len(tasks), 0), dtype=np.int64)
        self._flatten_mdp()

    @property
    def rows(self) -> np.ndarray:
        return np.arange(len(self.seeds))

    def _flatten_mdp(self) -> None:
        """Arrays by a flat index of state and action, or of state, action and branch."""
        states, actions = self.mdp.shape
        self.bounds = self.mdp.probabilities.numpy().cumsum(2).reshape(states * actions, -1)[:, :-1]
        self.next_states = self.mdp.next_states.numpy().ravel()
        self.rewards = self.mdp.rewards.numpy().ravel()
        self.terminal = self.mdp.terminal.numpy().ravel()
        self.starts = self.mdp.initial.numpy().cumsum()[:-1]

    def run_epoch(self, epoch: int) -> tuple[dict[str, Tensor], list[bool]]:
        """One epoch: its metrics, K each, and for each agent whether further epochs would change nothing."""
        if self.method == "value_iteration":
            change = self._sweep()
            metrics, converged = {"loss": change}, (change <= convergence_tolerance(self.mdp)).tolist()
        else:
            metrics, converged = self._run_episodes(epoch), [False] * len(self.seeds)
        greedy = self.weights()["tables"].mean(1).argmax(-1)
        expected = evaluate_policies(self.mdp, greedy.numpy())
        metrics |= {"return": expected.returns, "episode_length": expected.steps}
        return {name: torch.from_numpy(value) for name, value in metrics.items()}, converged

    def _sweep(self) -> np.ndarray:
        """Value iteration, of each agent until it has converged or the epoch is over. Returns the largest change of
        the last sweep, K."""
        change, tolerance = np.full(len(self.seeds), np.inf), convergence_tolerance(self.mdp)
        for _ in range(SWEEPS):
            before, active = self.tables, change > tolerance
            swept = value_iteration_sweep(self.mdp, before[:, 0], self.settings["gamma"])[:, None]
            self.tables = np.where(active[:, None, None, None], swept, before)
            change = np.where(active, np.abs(swept - before).max((1, 2, 3)), change)
            if not active.any():
                break
        return change

    def _run_episodes(self, epoch: int) -> dict[str, np.ndarray]:
        """So many episodes of each agent as an epoch has. Returns the mean squared error of the values, and the mean
        return and length of the episodes, K each."""
        count, past = len(self.seeds), self.returns.shape[1]
        returns, lengths = np.zeros((count, self.episodes)), np.zeros((count, self.episodes), dtype=np.int64)
        done = np.zeros(count, dtype=np.int64)
        total, length, squared_errors = np.zeros(count), np.zeros(count, dtype=np.int64), np.zeros(count)
        random = self._random_numbers(epoch)
        uniform = next(random)
        state = self._initial_states(uniform)
        self._set_schedules(past + done)
        action = self._choose(state, uniform)
        active = done < self.episodes
        while active.any():
            uniform = next(random)
            next_state, reward, terminal = self._act(state, action, uniform)
            next_action = self._choose(next_state, uniform) if self.method == "sarsa" else None
            target = reward + self.settings["gamma"] * ~terminal * self._next_value(next_state, next_action, uniform)
            squared_errors += active * self._learn(state, action, target, active, uniform) ** 2
            total, length = total + reward, length + 1
            over = terminal | (length >= self.mdp.limit)
            state = next_state
            if over.any():
                ended = self.rows[over & active]
                returns[ended, done[ended]], lengths[ended, done[ended]] = total[ended], length[ended]
                done[ended] += 1
                total[over], length[over] = 0.0, 0
                state = np.where(over, self._initial_states(uniform), state)
                self._set_schedules(past + done)
                active = done < self.episodes
            action = self._choose(state, uniform)
            if next_action is not None:  # on-policy: the action whose value was in the target
                action = np.where(over, action, next_action)
        self.returns = np.concatenate([self.returns, returns], 1)
        self.lengths = np.concatenate([self.lengths, lengths], 1)
        return {
            "loss": squared_errors / lengths.sum(1),
            "online_return": returns.mean(1),
            "online_episode_length": lengths.mean(1),
        }

    def _random_numbers(self, epoch: int) -> Iterator[Uniform]:
        generators = [np.random.default_rng([seed, epoch]) for seed in self.seeds]
        width = 4 + self.mdp.shape[1]
        while True:
            for step in np.stack([each.random((BLOCK, width)) for each in generators], 1):
                yield Uniform(step[:, 0], step[:, 1], step[:, 2], step[:, 3], step[:, 4:])

    def _initial_states(self, uniform: Uniform) -> np.ndarray:
        return self.starts.searchsorted(uniform.start, side="right")

    def _set_schedules(self, episodes: np.ndarray) -> None:
        """Sets alpha and epsilon from the number of episodes so far, K."""
        settings = self.settings
        share = np.minimum(episodes / settings["decay"], 1.0)
        self.alpha = settings["alpha"] + share * (settings["alpha_end"] - settings["alpha"])
        self.epsilon = settings["epsilon"] + share * (settings["epsilon_end"] - settings["epsilon"])

    def _values(self, state: np.ndarray) -> np.ndarray:
        """The values of the actions, K × A: for double Q-learning, the mean of both tables."""
        values: np.ndarray = self.tables[self.rows, 0, state]
        return (values + self.tables[self.rows, 1, state]) / 2 if self.method == "double_q" else values

    def _choose(self, state: np.ndarray, uniform: Uniform) -> np.ndarray:
        """An action of each agent, ε-greedy: any with probability ε, else one of the best."""
        values = self._values(state)
        allowed = (values == values.max(1, keepdims=True)) | (uniform.explore < self.epsilon)[:, None]
        chosen: np.ndarray = np.where(allowed, uniform.action, -1.0).argmax(1)
        return chosen

    def _act(self, state: np.ndarray, action: np.ndarray, uniform: Uniform) -> tuple[np.ndarray, ...]:
        """Next states, rewards, and whether the next state is terminal, K each."""
        at = state * self.mdp.shape[1] + action
        branches = self.bounds.shape[1] + 1
        branch = (uniform.branch[:, None] >= self.bounds[at]).sum(1)
        outcome = at * branches + branch
        return self.next_states[outcome], self.rewards[outcome], self.terminal[outcome]

    def _next_value(self, state: np.ndarray, action: np.ndarray | None, uniform: Uniform) -> np.ndarray:
        """V(s') by each method, K."""
        rows = self.rows
        if self.method == "double_q":  # one table chooses the action, the other has its value
            own = self._updated_table(uniform)
            best = self.tables[rows, own, state].argmax(1)
            return self.tables[rows, 1 - own, state, best]  # type: ignore[no-any-return]  # numbers
        values = self._values(state)
        if self.method == "sarsa":
            value: np.ndarray = values[rows, action]
        elif self.method == "expected_sarsa":
            value = (1 - self.epsilon) * values.max(1) + self.epsilon * values.mean(1)
        else:
            value = values.max(1)
        return value

    def _updated_table(self, uniform: Uniform) -> np.ndarray:
        """The index of the table that each agent updates, K: for double Q-learning, either at random."""
        return (uniform.table * 2).astype(np.int64) if self.method == "double_q" else np.zeros_like(self.rows)

    def _learn(
        self,
        state: np.ndarray,
        action: np.ndarray,
        target: np.ndarray,
        active: np.ndarray,
        uniform: Uniform,
    ) -> np.ndarray:
        """Moves the values of active agents towards the targets. Returns the errors before, K."""
        rows = self.rows
        self.visits[rows, state, action] += active
        rate = active * self.alpha
        if self.settings["alpha_power"].any():
            rate = rate / np.maximum(self.visits[rows, state, action], 1) ** self.settings["alpha_power"]
        at = rows, self._updated_table(uniform), state, action
        error: np.ndarray = target - self.tables[at]
        self.tables[at] += rate * error
        return error

    def weights(self) -> dict[str, Tensor]:
        """What the models hold, K × their shape."""
        return {"tables": torch.from_numpy(self.tables).float(), "visits": torch.from_numpy(self.visits).float()}

    def keep(self, rows: Sequence[int]) -> None:
        """Continues with these agents."""
        index = list(rows)
        self.seeds = [self.seeds[row] for row in index]
        self.settings = {name: values[index] for name, values in self.settings.items()}
        for name in STATE:
            setattr(self, name, getattr(self, name)[index])

    def select(self, row: int) -> "TabularAgents":
        """A copy with this agent alone."""
        one = copy.copy(self)
        one.keep([row])
        return one

    def state_dict(self) -> dict[str, Tensor]:
        return {name: torch.from_numpy(getattr(self, name)) for name in STATE}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        for name in STATE:
            setattr(self, name, state[name].numpy().copy())


def _numpy(tensor: Any) -> np.ndarray:
    values: np.ndarray = tensor.detach().cpu().double().numpy()
    return values
