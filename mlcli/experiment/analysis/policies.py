"""Greedy policies of a table of action values: learned by a run, or optimal by value iteration."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlcli.figure.control import policy_map
from mlcli.loading.dataset import DataSet
from mlcli.loading.mdp import FiniteMDP
from mlcli.run.finished_run import FinishedRun
from mlcli.task.tabular.dynamic_programming import evaluate_policies, sample_episode, value_iteration

TOLERANCE = 0.01  # relative difference from the optimal return up to which a policy counts as optimal


@dataclass(frozen=True)
class GreedyPolicy:
    """table: S × A action values; returned, steps, success: exact expectations over an episode."""

    data: DataSet
    table: np.ndarray
    returned: float
    steps: float
    success: float

    @property
    def acceptable_return(self) -> float:
        """The smallest return that counts as equal to this policy's."""
        return self.returned - TOLERANCE * abs(self.returned)

    def is_as_good_as(self, optimal: "GreedyPolicy") -> bool:
        return self.returned >= optimal.acceptable_return

    def map(self, name: str) -> dict[str, Any]:
        """A panel for `mlcli.figure.control.maps`, with one episode."""
        world: FiniteMDP = self.data.examples.world
        assert world.positions is not None, "the experiments have maps"
        path, _ = sample_episode(world, self.table.argmax(1))
        return policy_map(name, self.table, self.data.classes, world.positions.numpy(), world.grid, path)


def learned_policy(run: FinishedRun) -> GreedyPolicy:
    """The greedy policy of the run's best action values."""
    parts = run.parts()
    return _evaluated(parts.data, parts.model(parts.data.examples.inputs).cpu().numpy())


def optimal_policy(data: DataSet, gamma: float) -> GreedyPolicy:
    """The greedy policy of value iteration, with discount factor gamma."""
    return _evaluated(data, value_iteration(data.examples.world, gamma))


def _evaluated(data: DataSet, table: np.ndarray) -> GreedyPolicy:
    outlook = evaluate_policies(data.examples.world, table.argmax(1)[None])
    return GreedyPolicy(data, table, float(outlook.returns[0]), float(outlook.steps[0]), float(outlook.success[0]))
