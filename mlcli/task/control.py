"""Control: which action is best in each state of a world that is a table, learnt by trying, or computed.

Q-learning (Watkins 1989), SARSA (Rummery and Niranjan 1994), expected SARSA (van Seijen et al. 2009) and double
Q-learning (van Hasselt 2010) try; value iteration (Bellman 1957) knows the world's tables: it is the exact answer.

Shapes: K trials side by side, S states, A actions, B states that are asked about.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from mlcli.config.ranges import Range
from mlcli.figure.control import online_return
from mlcli.figure.plot import Plot
from mlcli.loading.dataset import DataSet
from mlcli.loading.mdp import FiniteMDP
from mlcli.task.plots.control import on_map
from mlcli.task.tabular.agents import SETTINGS, Agents
from mlcli.task.tabular.dynamic_programming import (
    convergence_tolerance,
    evaluate_policies,
    sample_episode,
    success_without_limit,
    value_iteration_sweep,
)
from mlcli.train.metric_values import collect_metrics
from mlcli.train.model_protocols import AddsTable
from mlcli.train.protocols import Evaluation
from mlcli.traits import TaskTraits

SWEEPS = 100  # of value iteration in an epoch

Share = Annotated[float, Range(0, 1)]
Rate = Annotated[float, Range(0, 1, low_open=True)]


class Control:
    """An agent that fills the table of a q_table `model` with the values of actions.

    method: what an action's value is moved towards, or value_iteration, which needs no episodes.
    episodes: of an epoch. alpha: how far a value is moved, divided by the number of times that the action was taken
    there to the power of `alpha_power`. epsilon: how often any action is taken instead of the best. Both go in a
    straight line to `alpha_end` and `epsilon_end` (null: they stay) over the first `decay` episodes. gamma: what a
    reward is worth a step later. The loss is the mean squared error of the values before they were moved; of value
    iteration the largest change of one.

    All states are one world, and no example of anything: none is held out. `return`, `steps` and `success` are those
    expected of the greedy policy, exact and not discounted; `online_return` and `online_steps` are means of the
    episodes in which the agent learnt.
    """

    traits = TaskTraits(test_split_optional=True, per_trial=SETTINGS)

    def __init__(
        self,
        data: DataSet,
        model: nn.Module,
        seed: int,
        *,
        method: Literal["q_learning", "sarsa", "expected_sarsa", "double_q", "value_iteration"] = "q_learning",
        episodes: Annotated[int, Range(1)] = 10,
        alpha: Rate = 0.5,
        alpha_end: Rate | None = None,
        alpha_power: Share = 0.0,
        epsilon: Share = 0.1,
        epsilon_end: Share | None = None,
        decay: Annotated[int, Range(1)] = 500,
        gamma: Share = 0.99,
    ) -> None:
        if len(data) and not isinstance(data.examples.world, FiniteMDP):
            raise ValueError(f"data={data.name} is no world in tables: use data=gridworld, cliff_walking or taxi.")
        self.data, self.model, self.seed = data, model, seed
        self.world: Any = data.examples.world  # a FiniteMDP, or None where only prediction is wanted
        self.method, self.episodes = method, episodes
        self.alpha, self.alpha_end = alpha, alpha if alpha_end is None else alpha_end
        self.epsilon, self.epsilon_end = epsilon, epsilon if epsilon_end is None else epsilon_end
        self.alpha_power, self.decay, self.gamma = alpha_power, decay, gamma
        self.agents: Agents | None = None  # from the first batch on
        self.converged = False

    @staticmethod
    def outputs(data: DataSet) -> int:
        return len(data.classes)

    @staticmethod
    def epoch_steps(data: DataSet, cfg: Any) -> int:
        """One: an epoch's episodes are lived through in one go."""
        return 1

    @staticmethod
    def extend(model: nn.Module, settings: Any) -> None:
        """Double Q-learning has two tables."""
        if settings.method == "double_q" and isinstance(model, AddsTable):
            model.add_table()

    @staticmethod
    def stack(tasks: "Sequence[Control]") -> "ControlStack":
        return ControlStack(tasks)

    @property
    def trial_bytes(self) -> int:
        """Bytes of a trial: its tables, with copies while it is judged."""
        return 8 * 10 * int(np.prod(self.world.probabilities.shape))

    def batches(self, epoch: int) -> Iterable[int]:
        """The number of the epoch alone: what happens is up to the agent."""
        self.agents = self.agents or Agents([self])
        yield epoch

    def step(self, batch: int) -> dict[str, Any]:
        assert self.agents is not None
        values, (self.converged,) = advance(self.agents, batch, self.episodes)
        self._take(self.agents)
        return {name: value[0] for name, value in values.items()}

    def _take(self, agents: Agents, row: int = 0) -> None:
        """Puts what this row's agent knows into the model."""
        self.model.load_state_dict({name: tensor[row] for name, tensor in weights_of(agents).items()})

    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        """Of the greedy policy. Whatever the split, it is judged in the whole world."""
        table = self._values(self.data.examples.inputs)
        policy = table.argmax(1)
        outlook = evaluate_policies(self.world, policy[None])
        evaluation = Evaluation(
            {"return": outlook.returns[0], "steps": outlook.steps[0], "success": outlook.success[0]}
        )
        if full:
            evaluation.metrics["success_without_limit"] = success_without_limit(self.world, policy)
            index = self.data.splits[split].numpy()
            states = np.array(self.data.vocabulary)[index]
            evaluation.columns = {"index": index, "state": states, **self._columns(table[index])}
            evaluation.plots = lambda: self._plots(table, policy)
        return evaluation

    def _plots(self, table: np.ndarray, policy: np.ndarray) -> list[Plot]:
        outlook, own = evaluate_policies(self.world, policy[None]), self.agents
        expected = float(outlook.returns[0]), float(outlook.steps[0])
        plots = []
        if own is not None and own.returns.shape[1]:  # of a run that is loaded again they are not known
            plots.append(online_return(own.returns[0], own.lengths[0], expected))
        if self.world.positions is None:
            return plots
        path, rewards = sample_episode(self.world, policy)
        visits = self.model.visits.cpu().numpy().sum(1)  # type: ignore[operator]  # a tensor
        return plots + on_map(self.world, self.data.classes, table, visits, (path, rewards), expected)

    @torch.inference_mode()
    def _values(self, states: Tensor) -> np.ndarray:
        """B × 1 → B × A."""
        device = self.model.tables.device
        values: np.ndarray = self.model(states.to(device)).cpu().numpy()  # type: ignore[arg-type]  # a tensor's device
        return values

    def _columns(self, values: np.ndarray) -> dict[str, np.ndarray]:
        names = self.data.classes
        each = {f"value/{name}": values[:, place] for place, name in enumerate(names)}
        return {"prediction": np.array(names)[values.argmax(1)], **each}

    def observe(self, score: float) -> None:
        """Nothing reacts to it."""

    def predict(self, inputs: Tensor) -> dict[str, np.ndarray]:
        """The best action in each state, and what every action is thought to be worth there. Raises ValueError."""
        states = len(self.data.vocabulary)
        if len(inputs) and not 0 <= int(inputs.min()) <= int(inputs.max()) < states:
            raise ValueError(f"The states go from 0 to {states - 1}.")
        return self._columns(self._values(inputs))

    def state_dict(self) -> dict[str, Any]:
        own = self.agents.state_dict() if self.agents else {}
        return {"model": self.model.state_dict(), "agents": own}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        if state.get("agents"):
            self.agents = self.agents or Agents([self])
            self.agents.load_state_dict(state["agents"])


def advance(agents: Agents, epoch: int, episodes: int) -> tuple[dict[str, Tensor], list[bool]]:
    """An epoch of these agents: what it was like for each (K), and whether nothing changes any more."""
    if agents.method == "value_iteration":
        change = _sweep(agents)
        values, settled = {"loss": change}, (change <= convergence_tolerance(agents.world)).tolist()
    else:
        values, settled = agents.live(epoch, episodes), [False] * len(agents.seeds)
    policies = weights_of(agents)["tables"].mean(1).argmax(-1)
    outlook = evaluate_policies(agents.world, policies.numpy())
    values |= {"return": outlook.returns, "steps": outlook.steps}
    return {name: torch.from_numpy(value) for name, value in values.items()}, settled


def _sweep(agents: Agents) -> np.ndarray:
    """Value iteration, of each trial until nothing changes or the epoch is over. Returns the largest change, K."""
    change, tolerance = np.full(len(agents.seeds), np.inf), convergence_tolerance(agents.world)
    for _ in range(SWEEPS):
        before, going_on = agents.tables, change > tolerance
        swept = value_iteration_sweep(agents.world, before[:, 0], agents.settings["gamma"])[:, None]
        agents.tables = np.where(going_on[:, None, None, None], swept, before)
        change = np.where(going_on, np.abs(swept - before).max((1, 2, 3)), change)
        if not going_on.any():
            break
    return change


def weights_of(agents: Agents) -> dict[str, Tensor]:
    """As the models keep them, K × their shape."""
    return {name: torch.from_numpy(getattr(agents, name)).float() for name in ("tables", "visits")}


class ControlStack:
    """Agents with other seeds or settings in the same world, as the loop's trials."""

    def __init__(self, tasks: Sequence[Control]) -> None:
        self.tasks = list(tasks)
        self.agents = Agents(tasks)
        self.settled = [False] * len(tasks)

    def batches(self, epoch: int) -> Iterable[int]:
        yield epoch

    def step(self, batch: int) -> dict[str, Any]:
        values, self.settled = advance(self.agents, batch, self.tasks[0].episodes)
        return dict(values)

    def weight(self, batch: int) -> float:
        return 1.0

    def evaluate(self, split: str, full: bool) -> dict[str, list[float]]:
        self.write_back()
        each = [task.evaluate(split, full).metrics for task in self.tasks]
        return collect_metrics(each)

    def layer_statistics(self) -> dict[str, list[float]]:
        return {}

    def averaged(self) -> AbstractContextManager[None]:
        return nullcontext()

    def observe(self, scores: list[float]) -> None:
        """Nothing reacts to them."""

    def converged(self) -> list[bool]:
        return self.settled

    def weights(self) -> dict[str, Tensor]:
        return weights_of(self.agents)

    def keep(self, rows: list[int]) -> None:
        self.write_back(sorted(set(range(len(self.tasks))) - set(rows)))
        self.tasks = [self.tasks[row] for row in rows]
        if rows:
            self.agents.keep(rows)

    def write_back(self, rows: Sequence[int] | None = None) -> None:
        """Gives these tasks, by default all, the agent as it is now."""
        for row in range(len(self.tasks)) if rows is None else rows:
            self.tasks[row].agents = self.agents.only(row)
            self.tasks[row].load_state_dict({"model": {n: t[row] for n, t in weights_of(self.agents).items()}})
