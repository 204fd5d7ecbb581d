"""Deep Q-learning (Mnih et al. 2015, "Human-level control through deep reinforcement learning"): a network learns
what each action is worth, from what has been met before.

Shapes: B batch, D numbers of an observation, A actions, E environments.
"""

import copy
from collections.abc import Iterable
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcli.config.ranges import Range
from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.loading.rollout import EnvStepper
from mlcli.task.gradient.gradient_task import GradientTask
from mlcli.task.policy.greedy_policy import Course, Greedy, recent_return, require_world, seed_from
from mlcli.task.policy.replay import Batch, Replay
from mlcli.train.protocols import Evaluation
from mlcli.train.update import Update
from mlcli.traits import TaskTraits

Count = Annotated[int, Range(1)]
Share = Annotated[float, Range(0, 1)]


class DQN(GradientTask):
    """A network that gives the values of actions, B × A, trained on batches of remembered transitions.

    An epoch is `rounds` rounds of `acting` steps in `environments` environments (of all together), and then `updates`
    updates. gamma: the discount. epsilon: the share of actions that are random, which falls from 1 over the first
    `exploration` steps. warmup: steps before the first update. capacity: transitions that are remembered.
    target_every: updates after which the target network goes the share `tau` of the way to the one that learns.
    double: that one picks the action which the target network values (van Hasselt et al. 2016, arXiv 1509.06461).
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
        batch_size: int,
        *,
        gamma: Share = 0.99,
        double: bool = True,
        rounds: Count = 128,
        environments: Count = 4,
        acting: Count = 16,
        updates: Count = 8,
        warmup: Count = 1000,
        capacity: Count = 100_000,
        epsilon: Share = 0.04,
        exploration: Annotated[int, Range(0)] = 8000,
        target_every: Count = 32,
        tau: Annotated[float, Range(0, 1, low_open=True)] = 1.0,
        episodes: Annotated[int, Range(2)] = 100,
        val_episodes: Annotated[int, Range(2)] = 20,
    ) -> None:
        super().__init__(data, model, update, loader)
        self.batch_size = batch_size
        self.agent = Greedy(data, model, loader, softmax=False, episodes=episodes, val_episodes=val_episodes)
        self.gamma, self.double = gamma, double
        self.rounds, self.environments, self.acting, self.updates = rounds, environments, acting, updates
        self.warmup, self.epsilon, self.exploration = warmup, epsilon, exploration
        self.target_every, self.tau = target_every, tau
        self.target = copy.deepcopy(model).requires_grad_(False).eval()
        self.replay = Replay(capacity)
        self.acted = 0  # steps, of all environments together
        self.course: Course = []
        self.converged = False

    @staticmethod
    def outputs(data: DataSet) -> int:
        """One for each action. Raises ValueError for data that is nothing to act in."""
        return require_world(data)

    @staticmethod
    def epoch_steps(data: DataSet, cfg: Any) -> int:
        """Updates in one epoch."""
        return int(cfg.task.rounds * cfg.task.updates)

    def batches(self, epoch: int) -> Iterable[Batch]:
        """Acts and remembers, then draws from memory. Environments begin anew with each epoch, so that all that
        happens in it follows from the seed, the epoch, and what had been learnt before."""
        generator = self.loader.generator(epoch)
        seed = seed_from(generator)
        torch.manual_seed(seed)  # of dropout
        stepper = EnvStepper(self.agent.world.make_vector(self.environments), seed)
        for _ in range(self.rounds):
            self._act(stepper, max(self.acting, self.warmup - self.acted), generator)
            self.model.train()
            for _ in range(self.updates):
                yield self.replay.sample(self.batch_size, generator)

    def _act(self, stepper: EnvStepper, steps: int, generator: torch.Generator) -> None:
        """Takes at least so many steps: the best action as far as it is known, or now and then any."""
        until = self.acted + steps
        while self.acted < until:
            best = self.agent(stepper.observations)
            anything = torch.randint(self.agent.world.actions, best.shape, generator=generator)
            curious = torch.rand(best.shape, generator=generator) < self.share_random()
            met = stepper.step(torch.where(curious, anything, best))
            inputs, following = self.loader.prepare(met.observations), self.loader.prepare(met.next_observations)
            rest = (each.to(inputs.device) for each in (met.actions, met.rewards))
            self.replay.add(inputs, *rest, following, met.terminated.to(inputs.device))
            self.acted += len(inputs)
            self.course += [(self.acted, total) for total in met.returns]

    def share_random(self) -> float:
        """Of the actions that are taken now."""
        if self.acted >= self.exploration:
            return self.epsilon
        return 1 + (self.epsilon - 1) * self.acted / self.exploration

    def step(self, batch: tuple[Tensor, ...]) -> dict[str, Any]:
        metrics = super().step(batch)
        if self.update.steps % self.target_every == 0:
            follow(self.target, self.model, self.tau)
        return {**metrics, "epsilon": self.share_random(), **recent_return(self.course)}

    def loss(self, inputs: Tensor, actions: Tensor, rewards: Tensor, following: Tensor, ended: Tensor) -> Tensor:
        """Mean Huber loss between the values of the actions that were taken and the targets."""
        values = self.model(inputs).gather(1, actions.unsqueeze(1)).squeeze(1)
        with torch.no_grad():
            valued = self.target(following)
            picked = self.model(following) if self.double else valued
            targets = targets_of(rewards, ended, valued, picked, self.gamma)
        return F.smooth_l1_loss(values, targets)

    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        return self.agent.evaluate(split, full, self.course)

    def observe(self, score: float) -> None:
        """Ends training when there is nothing better to reach."""
        super().observe(score)
        self.converged = self.agent.is_perfect(score)

    def predict(self, inputs: Tensor) -> dict[str, np.ndarray]:
        """The action of the highest value, and the values of all."""
        return self.agent.predict(inputs)

    def state_dict(self) -> dict[str, Any]:
        memory = {"target": self.target.state_dict(), "replay": self.replay.state_dict()}
        return super().state_dict() | memory | {"acted": self.acted, "course": list(self.course)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        if "target" in state:
            self.target.load_state_dict(state["target"])
            self.replay.load_state_dict(state["replay"])
            self.acted, self.course = state["acted"], list(state["course"])


def targets_of(rewards: Tensor, ended: Tensor, valued: Tensor, picked: Tensor, gamma: float) -> Tensor:
    """B targets r + γ · Q(s', a'), or r where the episode ended: the action a' that is best by the values `picked` of
    the next states, B × A, is worth what `valued` says, B × A."""
    following = valued.gather(1, picked.argmax(1, keepdim=True)).squeeze(1)
    return rewards + gamma * torch.where(ended, 0.0, following)


@torch.no_grad()
def follow(target: nn.Module, model: nn.Module, tau: float) -> None:
    """Moves the target network the share tau of the way to the model; what is no number of either is copied."""
    for old, new in zip(target.state_dict().values(), model.state_dict().values(), strict=True):
        if old.is_floating_point():
            old.lerp_(new, tau)
        else:
            old.copy_(new)
