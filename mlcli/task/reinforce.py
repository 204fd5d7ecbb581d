"""REINFORCE (Williams 1992, "Simple statistical gradient-following algorithms for connectionist reinforcement
learning"): a policy gradient that makes actions with a positive advantage more likely.

Shapes: B time steps of a batch, A actions, E episodes, T time steps of the longest.
"""

from collections.abc import Iterable
from functools import partial
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn

from mlcli.config.ranges import Range
from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.loading.rollout import rollout
from mlcli.task.gradient.gradient_task import GradientTask
from mlcli.task.policy.greedy_policy import (
    GreedyPolicy,
    TrainingReturns,
    action_count,
    mean_recent_return,
    sample_seed,
)
from mlcli.train.protocols import Evaluation
from mlcli.train.update import Update
from mlcli.traits import TaskTraits

Batch = tuple[Tensor, Tensor, Tensor]
Baseline = Literal["none", "mean", "step"]
Count = Annotated[int, Range(1)]
Episodes = Annotated[int, Range(2)]
ROUNDING = 1e-4  # relative error, well above that of sums of float32


class Reinforce(GradientTask):
    """A network with outputs B × A, the logits of actions, trained on episodes of its own policy.

    An epoch is `updates` updates, each from `batch_episodes` new episodes. gamma: the discount factor. baseline: what
    is subtracted from the returns to reduce the variance of the gradient: nothing, their mean, or their mean over the
    episodes at each time step. normalise: divides the advantages by their standard deviation. entropy: the weight of
    an entropy bonus. episodes: of an evaluation; val_episodes: of the validation split.
    """

    traits = TaskTraits(
        cannot_stack="each trial acts in environments of its own",
        layer_statistics=False,  # batches are transitions, not examples of the data
        delayed_metrics=("train/return",),  # once an episode has ended
        names="actions",
    )

    def __init__(
        self,
        data: DataSet,
        model: nn.Module,
        update: Update,
        loader: Loader,
        *,
        gamma: Annotated[float, Range(0, 1)] = 0.99,
        batch_episodes: Episodes = 16,
        updates: Count = 10,
        baseline: Baseline = "step",
        normalise: bool = True,
        entropy: Annotated[float, Range(0)] = 0.0,
        episodes: Episodes = 100,
        val_episodes: Episodes = 20,
    ) -> None:
        super().__init__(data, model, update, loader)
        self.policy = GreedyPolicy(data, model, loader, softmax=True, episodes=episodes, val_episodes=val_episodes)
        self.gamma, self.batch_episodes, self.updates = gamma, batch_episodes, updates
        self.baseline: Baseline = baseline
        self.normalise, self.entropy = normalise, entropy
        self.training_returns: TrainingReturns = []
        self.converged = False

    @staticmethod
    def outputs(data: DataSet) -> int:
        """The number of actions. Raises ValueError for data that is not such an environment."""
        return action_count(data)

    @staticmethod
    def epoch_steps(data: DataSet, cfg: Any) -> int:
        """The updates of an epoch."""
        return int(cfg.task.updates)

    def batches(self, epoch: int, start: int = 0) -> Iterable[Batch]:
        """Inputs, actions and advantages of the time steps of new episodes, sampled from the current policy: an epoch
        has no place to start from but its beginning."""
        assert not start
        generator = self.loader.generator(epoch)
        torch.manual_seed(sample_seed(generator))  # for dropout
        for _ in range(self.updates):
            policy = partial(self._sample, generator=generator)
            played = rollout(self.policy.world.make_vector(self.batch_episodes), policy, sample_seed(generator))
            self._add_returns(played.lengths, played.returns)
            advantages = advantages_of(returns_to_go(played.rewards, self.gamma), played.active, self.baseline)
            if self.normalise:
                advantages = normalised(advantages, float(played.returns.abs().max()))
            inputs = self.loader.prepare(played.observations[played.active])
            self.model.train()
            yield inputs, played.actions[played.active].to(inputs.device), advantages.to(inputs.device)

    def _sample(self, observations: Tensor, generator: torch.Generator) -> Tensor:
        """Samples an action for each of E observations."""
        probabilities = self.policy.scores(observations).cpu()
        return torch.multinomial(probabilities, 1, generator=generator).squeeze(1)

    def _add_returns(self, lengths: Tensor, returns: Tensor) -> None:
        before = self.training_returns[-1][0] if self.training_returns else 0
        self.training_returns += zip((before + lengths.cumsum(0)).tolist(), returns.tolist(), strict=True)

    def step(self, batch: tuple[Tensor, ...]) -> dict[str, Any]:
        return {**super().step(batch), **mean_recent_return(self.training_returns)}

    def loss(self, inputs: Tensor, actions: Tensor, advantages: Tensor) -> Tensor:
        """A surrogate whose gradient is the negative policy gradient; its value has no meaning."""
        log_probabilities = self.model(inputs).log_softmax(1)
        taken = log_probabilities.gather(1, actions.unsqueeze(1)).squeeze(1)
        entropies = -(log_probabilities.exp() * log_probabilities).sum(1)
        objective: Tensor = advantages * taken + self.entropy * entropies
        return -objective.mean()

    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        return self.policy.evaluate(split, full, self.training_returns)

    def observe(self, score: float) -> None:
        """Training ends when the score is the highest return that is possible."""
        super().observe(score)
        self.converged = self.policy.is_optimal(score)

    def head(self) -> nn.Module:
        """The most likely action, and the probabilities of all actions."""
        return self.policy.head()

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"course": list(self.training_returns), "converged": self.converged}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.training_returns = list(state.get("course", self.training_returns))
        self.converged = state.get("converged", self.converged)


def returns_to_go(rewards: Tensor, gamma: float) -> Tensor:
    """T × E rewards → T × E discounted returns from each time step on: G_t = r_t + γ · G_(t+1)."""
    returns, later = [], torch.zeros_like(rewards[0])
    for reward in rewards.flip(0):
        later = reward + gamma * later
        returns.append(later)
    return torch.stack(returns).flip(0)


def advantages_of(returns: Tensor, active: Tensor, baseline: Baseline) -> Tensor:
    """Returns to go T × E minus the baseline, for the B time steps at which episodes are `active`, T × E.

    An episode that has ended counts with the return 0 in the baseline of later time steps.
    """
    if baseline == "step":
        returns = returns - returns.mean(1, keepdim=True)
    own: Tensor = returns[active]
    return own - own.mean() if baseline == "mean" else own


def normalised(advantages: Tensor, size: float) -> Tensor:
    """Divided by their standard deviation, unless that is as small as the rounding error of returns of this size."""
    return advantages / advantages.std().clamp(min=ROUNDING * size + torch.finfo(advantages.dtype).tiny)
