"""The greedy policy of a table, learnt or computed, and what it brings in its world."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlcli.loading.dataset import DataSet
from mlcli.loading.mdp import FiniteMDP
from mlcli.metric.control import policy_map
from mlcli.run.finished_run import FinishedRun
from mlcli.task.tabular.dynamic_programming import evaluate_policies, sample_episode, value_iteration

WORSE = 0.01  # by so much of the return a policy may miss the best and still be called as good


@dataclass(frozen=True)
class Greedy:
    """table: S × A values; returned, steps, success: exact, of an episode."""

    data: DataSet
    table: np.ndarray
    returned: float
    steps: float
    success: float

    def as_good_as(self, other: "Greedy") -> bool:
        return self.returned >= other.returned - WORSE * abs(other.returned)

    def map(self, name: str) -> dict[str, Any]:
        """A panel for `mlcli.metric.control.maps`, with one episode."""
        world: FiniteMDP = self.data.examples.world
        assert world.positions is not None, "the experiments have maps"
        path, _ = sample_episode(world, self.table.argmax(1))
        return policy_map(name, self.table, self.data.classes, world.positions.numpy(), world.grid, path)


def learnt(run: FinishedRun) -> Greedy:
    """The policy that a run has ended with."""
    parts = run.parts()
    return _judged(parts.data, parts.model(parts.data.examples.inputs).cpu().numpy())


def best(data: DataSet, gamma: float) -> Greedy:
    """That of value iteration."""
    return _judged(data, value_iteration(data.examples.world, gamma))


def _judged(data: DataSet, table: np.ndarray) -> Greedy:
    outlook = evaluate_policies(data.examples.world, table.argmax(1)[None])
    return Greedy(data, table, float(outlook.returns[0]), float(outlook.steps[0]), float(outlook.success[0]))
