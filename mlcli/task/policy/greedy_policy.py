"""An agent that takes what its network finds best, as it is judged and as it is asked: what the tasks that learn to
act with a network share.

Shapes: B observations, A actions, E episodes, T steps.
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
from mlcli.metric.episodes import interval
from mlcli.train.modes import evaluating
from mlcli.train.protocols import Evaluation

SEEDS = {"train": 10_000_000, "val": 20_000_000, "test": 30_000_000}  # of the episodes that judge


Course = list[tuple[int, float]]  # of episodes that were trained on: after which step they ended, and their return
RECENT = 20  # episodes


class Greedy:
    """The policy of the action with the highest of the network's A outputs.

    softmax: outputs are told as probabilities, else as values. Every evaluation of a split plays the same episodes,
    in environments that agents never learn from: `val_episodes` of val, and `episodes` of the others.
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
        """Raw observations, B × D → B actions, on the CPU."""
        return self.scores(observations).argmax(1).cpu()

    @torch.inference_mode()
    def scores(self, observations: Tensor) -> Tensor:
        """Of each action, B × A, for raw observations. The network comes back in the mode it was in."""
        with evaluating(self.model):
            outputs: Tensor = self.model(self.loader.prepare(observations)).float()
        return outputs.softmax(1) if self.softmax else outputs

    def is_perfect(self, score: float) -> bool:
        """Whether no return can be higher than this one."""
        return self.world.best is not None and score >= self.world.best

    def predict(self, inputs: Tensor) -> dict[str, np.ndarray]:
        """The best action of each input, and the scores of all."""
        scores = self.scores(inputs).cpu().numpy()
        name = "probability" if self.softmax else "value"
        each = {f"{name}/{action}": scores[:, i] for i, action in enumerate(self.data.classes)}
        return {"prediction": np.array(self.data.classes)[scores.argmax(1)], **each}

    def evaluate(self, split: str, full: bool, course: Course) -> Evaluation:
        """How episodes go; `full` tells of those that were trained on too."""
        played = rollout(self.world.make_vector(self.episodes[split]), self, SEEDS[split])
        evaluation = Evaluation(metric.scores(played.returns, played.lengths))
        if full:
            returns, lengths = played.returns.numpy(), played.lengths.numpy()
            half = float(interval(played.returns.double())) if len(returns) > 1 else None
            evaluation.columns = {"episode": np.arange(len(returns)), "return": returns, "length": lengths}
            evaluation.plots = lambda: [
                *figure.training_returns(course, self.world.best),
                figure.returns(returns, half, self.world.best),
                *self._worst(played),
            ]
        return evaluation

    def _worst(self, played: Rollout) -> list[Plot]:
        """The episode that went worst, step by step."""
        row = int(played.returns.argmin())
        which = (row, float(played.returns[row]), len(played.returns))
        seen = played.observations[: int(played.lengths[row]), row]
        scored = "probability" if self.softmax else "value"
        names = {"features": self.data.features, "actions": self.data.classes, "scored": scored}
        steps = figure.episode(seen.numpy(), self.scores(seen).cpu().numpy(), names, which)
        return [steps, episode_film(seen.numpy(), which)] if self.world.scene == "cart" else [steps]


def recent_return(course: Course) -> dict[str, float]:
    """The mean return of the last episodes that were trained on, for the journal; nothing before the first."""
    returns = [total for _, total in course[-RECENT:]]
    return {"train/return": sum(returns) / len(returns)} if returns else {}


def require_world(data: DataSet) -> int:
    """The number of actions. Raises ValueError with what to type for data that is no environment of this kind."""
    if data.kind != "vector" or not (data.examples.world or not len(data)):
        raise ValueError(f"data={data.name} is nothing to act in with a network: use data=cartpole.")
    return len(data.classes)


def seed_from(generator: torch.Generator) -> int:
    """A seed for environments."""
    return int(torch.randint(2**31, (1,), generator=generator))
