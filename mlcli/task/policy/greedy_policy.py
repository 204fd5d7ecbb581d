"""The greedy policy of a network, by which agents are evaluated and predict: DQN and REINFORCE share it.

Shapes: B observations, D numbers of an observation, A actions.
"""

import numpy as np
import torch
from torch import Tensor, nn

from mlcli.figure import rollout as figure
from mlcli.figure.cart_film import episode_film
from mlcli.figure.plot import Plot
from mlcli.loading.dataset import DataSet
from mlcli.loading.environment import Environment
from mlcli.loading.loader import Loader
from mlcli.loading.rollout import Rollout, rollout
from mlcli.metric import rollout as metric
from mlcli.metric.few_shot import margin_of_error
from mlcli.task.policy.greedy_action import GreedyAction
from mlcli.train.modes import evaluating
from mlcli.train.protocols import Evaluation

SEEDS = {"train": 10_000_000, "val": 20_000_000, "test": 30_000_000}  # of the episodes of evaluations
RECENT = 20  # episodes in the mean return of training

TrainingReturns = list[tuple[int, float]]  # the step after which each training episode ended, and its return


class GreedyPolicy:
    """Takes the action with the highest of the network's A outputs.

    softmax: the outputs are logits of probabilities, else values. Every evaluation of a split has the same episodes,
    with initial states of its own: `val_episodes` of the validation split, `episodes` of the others.
    """

    def __init__(
        self,
        data: DataSet,
        model: nn.Module,
        loader: Loader,
        *,
        softmax: bool,
        episodes: int,
        val_episodes: int,
    ) -> None:
        self.data, self.model, self.loader, self.softmax = data, model, loader, softmax
        self.episodes = {"train": episodes, "val": val_episodes, "test": episodes}

    @property
    def world(self) -> Environment:
        world: Environment = self.data.examples.world
        return world

    def __call__(self, observations: Tensor) -> Tensor:
        """Raw observations B × D → B actions, on the CPU."""
        return self.scores(observations).argmax(1).cpu()

    def head(self) -> GreedyAction:
        return GreedyAction(self.softmax)

    @torch.inference_mode()
    def scores(self, observations: Tensor) -> Tensor:
        """Probabilities or values of the actions, B × A, for raw observations B × D."""
        with evaluating(self.model):
            predictions = self.head()(self.model(self.loader.prepare(observations)))
        scores: Tensor = predictions["probabilities" if self.softmax else "values"]
        return scores

    def is_optimal(self, score: float) -> bool:
        """Whether no return can be higher than this one."""
        return self.world.best is not None and score >= self.world.best

    @property
    def _score(self) -> str:
        return "probability" if self.softmax else "value"

    def evaluate(self, split: str, full: bool, training_returns: TrainingReturns) -> Evaluation:
        """Returns and lengths of the episodes of a split; `full` adds a table of them and plots."""
        played = rollout(self.world.make_vector(self.episodes[split]), self, SEEDS[split])
        evaluation = Evaluation(metric.scores(played.returns, played.lengths))
        if full:
            returns, lengths = played.returns.numpy(), played.lengths.numpy()
            half = float(margin_of_error(played.returns.double())) if len(returns) > 1 else None
            evaluation.columns = {"episode": np.arange(len(returns)), "return": returns, "length": lengths}
            evaluation.plots = lambda: [
                *figure.training_returns(training_returns, self.world.best),
                figure.returns(returns, half, self.world.best),
                *self._worst(played),
            ]
        return evaluation

    def _worst(self, played: Rollout) -> list[Plot]:
        """The episode with the lowest return, step by step."""
        row = int(played.returns.argmin())
        which = (row, float(played.returns[row]), len(played.returns))
        observations = played.observations[: int(played.lengths[row]), row]
        names = {"features": self.data.features, "actions": self.data.classes, "scored": self._score}
        steps = figure.episode(observations.numpy(), self.scores(observations).cpu().numpy(), names, which)
        return [steps, episode_film(observations.numpy(), which)] if self.world.scene == "cart" else [steps]


def mean_recent_return(training_returns: TrainingReturns) -> dict[str, float]:
    """The metric train/return: the mean return of the last training episodes; nothing before the first has ended."""
    returns = [total for _, total in training_returns[-RECENT:]]
    return {"train/return": sum(returns) / len(returns)} if returns else {}


def action_count(data: DataSet) -> int:
    """The number of actions. Raises ValueError, with the data to use, for data that is not such an environment."""
    if data.kind != "vector" or not (data.examples.world or not len(data)):
        raise ValueError(f"data={data.name} is not an environment with numeric observations: use data=cartpole")
    return len(data.classes)


def sample_seed(generator: torch.Generator) -> int:
    """A seed for environments, from the generator."""
    return int(torch.randint(2**31, (1,), generator=generator))
