"""Control: the optimal policy of a finite Markov decision process, learnt from episodes or computed.

Q-learning (Watkins 1989), SARSA (Rummery and Niranjan 1994), expected SARSA (van Seijen et al. 2009) and double
Q-learning (van Hasselt 2010) learn from episodes; value iteration (Bellman 1957) is exact, and needs the transition
model.

Shapes: S states, A actions, B batch of states.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from mlcli.config.ranges import Range
from mlcli.figure.control import online_return
from mlcli.figure.plot import Plot
from mlcli.loading.dataset import DataSet
from mlcli.loading.mdp import FiniteMDP
from mlcli.task.inference.columns import to_columns
from mlcli.task.inference.of_outputs import OfOutputs
from mlcli.task.plots.control import on_map
from mlcli.task.policy.greedy_action import GreedyAction
from mlcli.task.tabular.agents import SETTINGS, TabularAgents
from mlcli.task.tabular.dynamic_programming import evaluate_policies, sample_episode, success_without_limit
from mlcli.task.tabular.stack import TabularStack
from mlcli.train.model_protocols import AddsTable
from mlcli.train.protocols import Evaluation
from mlcli.traits import TaskTraits

Share = Annotated[float, Range(0, 1)]
Rate = Annotated[float, Range(0, 1, low_open=True)]


class Control:
    """An agent that learns the values of actions in the table of a q_table `model`.

    method: how values are learnt (`mlcli.task.tabular.agents`); value_iteration runs no episodes.
    episodes: per epoch. alpha: the learning rate, divided by the number of visits of the state and action to the
    power of `alpha_power`. epsilon: the probability of a random action. Both change linearly to `alpha_end` and
    `epsilon_end` (null: constant) over the first `decay` episodes. gamma: the discount factor. The loss is the mean
    squared error of the values before each update; of value iteration, the largest change of a value.

    All states belong to one environment, so no state is held out. `return`, `episode_length` and
    `success_rate` are exact expectations of the greedy policy, undiscounted; `online_return` and
    `online_episode_length` are means over the training episodes.
    """

    traits = TaskTraits(test_split_optional=True, per_trial=SETTINGS, names="actions", skips_batches=True)

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
            raise ValueError(
                f"data={data.name} is not a finite Markov decision process: use data=gridworld, cliff_walking or taxi"
            )
        self.data, self.model, self.seed = data, model, seed
        self.mdp: Any = data.examples.world  # a FiniteMDP; None where a run is loaded without its data
        self.method, self.episodes = method, episodes
        self.alpha, self.alpha_end = alpha, alpha if alpha_end is None else alpha_end
        self.epsilon, self.epsilon_end = epsilon, epsilon if epsilon_end is None else epsilon_end
        self.alpha_power, self.decay, self.gamma = alpha_power, decay, gamma
        self.agents: TabularAgents | None = None  # from the first batch on
        self.converged = False

    @staticmethod
    def outputs(data: DataSet) -> int:
        return len(data.classes)

    @staticmethod
    def epoch_steps(data: DataSet, cfg: Any) -> int:
        """1: all episodes of an epoch are one step."""
        return 1

    @staticmethod
    def extend(model: nn.Module, settings: Any) -> None:
        """Adds the second table of double Q-learning."""
        if settings.method == "double_q" and isinstance(model, AddsTable):
            model.add_table()

    @staticmethod
    def stack(tasks: "Sequence[Control]") -> TabularStack:
        return TabularStack(tasks)

    @property
    def trial_bytes(self) -> int:
        """Bytes of a trial: its tables, with copies during evaluation."""
        return 8 * 10 * int(np.prod(self.mdp.probabilities.shape))

    def batches(self, epoch: int, start: int = 0) -> Iterable[int]:
        """The number of the epoch: the agent samples everything else itself."""
        self.agents = self.agents or TabularAgents([self])
        yield from [epoch][start:]

    def step(self, batch: int) -> dict[str, Any]:
        assert self.agents is not None
        metrics, (self.converged,) = self.agents.run_epoch(batch)
        self.model.load_state_dict({name: tensor[0] for name, tensor in self.agents.weights().items()})
        return {name: value[0] for name, value in metrics.items()}

    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        """Of the greedy policy in the whole environment, whichever the split."""
        table = self._values(self.data.examples.inputs)
        policy = table.argmax(1)
        expected = evaluate_policies(self.mdp, policy[None])
        metrics = {
            "return": expected.returns[0],
            "episode_length": expected.steps[0],
            "success_rate": expected.success[0],
        }
        evaluation = Evaluation(metrics)
        if full:
            evaluation.metrics["success_rate_without_limit"] = success_without_limit(self.mdp, policy)
            index = self.data.splits[split].numpy()
            states = np.array(self.data.vocabulary)[index]
            evaluation.columns = {
                "index": index,
                "state": states,
                **self.columns(GreedyAction()(torch.from_numpy(table[index]))),
            }
            evaluation.plots = lambda: self._plots(table, policy)
        return evaluation

    def _plots(self, table: np.ndarray, policy: np.ndarray) -> list[Plot]:
        evaluated, agents = evaluate_policies(self.mdp, policy[None]), self.agents
        expected = float(evaluated.returns[0]), float(evaluated.steps[0])
        plots = []
        if agents is not None and agents.returns.shape[1]:  # a loaded run has none
            plots.append(online_return(agents.returns[0], agents.lengths[0], expected))
        if self.mdp.positions is None:
            return plots
        path, rewards = sample_episode(self.mdp, policy)
        visits = self.model.visits.cpu().numpy().sum(1)  # type: ignore[operator]  # a tensor
        return plots + on_map(self.mdp, self.data.classes, table, visits, (path, rewards), expected)

    @torch.inference_mode()
    def _values(self, states: Tensor) -> np.ndarray:
        """B × 1 → B × A."""
        device = self.model.tables.device
        values: np.ndarray = self.model(states.to(device)).cpu().numpy()  # type: ignore[arg-type]  # a tensor's device
        return values

    def inference(self) -> nn.Module:
        return OfOutputs(self.model, GreedyAction())

    def columns(self, predictions: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
        """The greedy action in each state, and the values of all actions."""
        return to_columns(predictions, self.data.classes)

    def observe(self, score: float) -> None:
        """Nothing depends on the score."""

    def state_dict(self) -> dict[str, Any]:
        agents = self.agents.state_dict() if self.agents else {}
        return {"model": self.model.state_dict(), "agents": agents, "converged": self.converged}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        if state.get("agents"):
            self.agents = self.agents or TabularAgents([self])
            self.agents.load_state_dict(state["agents"])
        self.converged = state.get("converged", self.converged)
