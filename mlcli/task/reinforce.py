"""REINFORCE (Williams 1992, "Simple statistical gradient-following algorithms for connectionist reinforcement
learning"): actions that were followed by more than was to be expected become more likely.

Shapes: B steps of a batch, A actions, E episodes, T steps of the longest.
"""

from collections.abc import Iterable
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from mlcli.config.ranges import Range
from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.loading.rollout import rollout
from mlcli.task.gradient.gradient_task import GradientTask
from mlcli.task.policy.greedy_policy import Course, Greedy, recent_return, require_world, seed_from
from mlcli.train.protocols import Evaluation
from mlcli.train.update import Update
from mlcli.traits import TaskTraits

Batch = tuple[Tensor, Tensor, Tensor]
Baseline = Literal["none", "mean", "step"]
Count = Annotated[int, Range(1)]
Judged = Annotated[int, Range(2)]
ROUNDING = 1e-4  # relative, well above that of sums of float32


class Reinforce(GradientTask):
    """A network that gives the logits of actions, B × A, trained on whole episodes that it has played itself.

    An epoch is `updates` updates, each from `batch_episodes` new episodes. gamma: the discount of rewards to come.
    baseline: what is taken away from the returns, which changes no expected gradient but its variance: nothing, their
    mean, or at each step of time their mean over the episodes. normalise: divides by their deviation then. entropy:
    weight of a bonus for policies that are not sure.
    """

    traits = TaskTraits(
        cannot_stack="each trial acts in environments of its own",
        layer_statistics=False,  # a batch is no examples of the data
        delayed_metrics=("train/return",),  # once an episode has ended
    )

    def __init__(
        self,
        data: DataSet,
        model: nn.Module,
        update: Update,
        loader: Loader,
        *,
        gamma: Annotated[float, Range(0, 1)] = 0.99,
        batch_episodes: Judged = 16,
        updates: Count = 10,
        baseline: Baseline = "step",
        normalise: bool = True,
        entropy: Annotated[float, Range(0)] = 0.0,
        episodes: Judged = 100,
        val_episodes: Judged = 20,
    ) -> None:
        super().__init__(data, model, update, loader)
        self.agent = Greedy(data, model, loader, softmax=True, episodes=episodes, val_episodes=val_episodes)
        self.gamma, self.batch_episodes, self.updates = gamma, batch_episodes, updates
        self.baseline: Baseline = baseline
        self.normalise, self.entropy = normalise, entropy
        self.course: Course = []
        self.converged = False

    @staticmethod
    def outputs(data: DataSet) -> int:
        """One for each action. Raises ValueError for data that is nothing to act in."""
        return require_world(data)

    @staticmethod
    def epoch_steps(data: DataSet, cfg: Any) -> int:
        """Updates in one epoch."""
        return int(cfg.task.updates)

    def batches(self, epoch: int) -> Iterable[Batch]:
        """Inputs, actions and advantages of the steps of some episodes, played as the policy is at that time."""
        generator = self.loader.generator(epoch)
        torch.manual_seed(seed_from(generator))  # of dropout
        for _ in range(self.updates):
            policy = partial(self._sample, generator=generator)
            played = rollout(self.agent.world.make_vector(self.batch_episodes), policy, seed_from(generator))
            self._remember(played.lengths, played.returns)
            advantages = advantages_of(returns_to_go(played.rewards, self.gamma), played.active, self.baseline)
            if self.normalise:
                advantages = normalised(advantages, float(played.returns.abs().max()))
            inputs = self.loader.prepare(played.observations[played.active])
            self.model.train()
            yield inputs, played.actions[played.active].to(inputs.device), advantages.to(inputs.device)

    def _sample(self, observations: Tensor, generator: torch.Generator) -> Tensor:
        """An action for each of E observations, by its probability."""
        probabilities = self.agent.scores(observations).cpu()
        return torch.multinomial(probabilities, 1, generator=generator).squeeze(1)

    def _remember(self, lengths: Tensor, returns: Tensor) -> None:
        before = self.course[-1][0] if self.course else 0
        self.course += zip((before + lengths.cumsum(0)).tolist(), returns.tolist(), strict=True)

    def step(self, batch: tuple[Tensor, ...]) -> dict[str, Any]:
        return {**super().step(batch), **recent_return(self.course)}

    def loss(self, inputs: Tensor, actions: Tensor, advantages: Tensor) -> Tensor:
        """Its gradient is that of the expected return, with the sign turned; its size says nothing."""
        logs = self.model(inputs).log_softmax(1)
        taken = logs.gather(1, actions.unsqueeze(1)).squeeze(1)
        unsure = -(logs.exp() * logs).sum(1)
        gains: Tensor = advantages * taken + self.entropy * unsure
        return -gains.mean()

    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        return self.agent.evaluate(split, full, self.course)

    def observe(self, score: float) -> None:
        """Ends training when there is nothing better to reach."""
        super().observe(score)
        self.converged = self.agent.is_perfect(score)

    def predict(self, inputs: Tensor) -> dict[str, np.ndarray]:
        """The most likely action, and the probabilities of all."""
        return self.agent.predict(inputs)

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"course": list(self.course)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.course = list(state.get("course", self.course))


def returns_to_go(rewards: Tensor, gamma: float) -> Tensor:
    """T × E rewards → T × E sums of the rewards from each step on, discounted: G_t = r_t + γ · G_(t+1)."""
    returns, after = [], torch.zeros_like(rewards[0])
    for reward in rewards.flip(0):
        after = reward + gamma * after
        returns.append(after)
    return torch.stack(returns).flip(0)


def advantages_of(returns: Tensor, going: Tensor, baseline: Baseline) -> Tensor:
    """Returns to go, T × E, less the baseline: of the B steps at which episodes were `going`, T × E.

    An episode that is over has the return 0, and counts as such at each step of time.
    """
    if baseline == "step":
        returns = returns - returns.mean(1, keepdim=True)
    own: Tensor = returns[going]
    return own - own.mean() if baseline == "mean" else own


def normalised(advantages: Tensor, size: float) -> Tensor:
    """With the deviation 1, unless they are no more than what rounding returns of that size has left."""
    return advantages / advantages.std().clamp(min=ROUNDING * size + torch.finfo(advantages.dtype).tiny)
