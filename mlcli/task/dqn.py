"""Deep Q-learning (Mnih et al. 2015, "Human-level control through deep reinforcement learning"): a network learns the
values of actions from a replay buffer of transitions.

Shapes: B batch, D numbers of an observation, A actions, E environments.
"""

import copy
from collections.abc import Iterable
from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcli.config.ranges import Range
from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.loading.rollout import EnvStepper
from mlcli.task.gradient.gradient_task import GradientTask
from mlcli.task.policy.greedy_policy import (
    GreedyPolicy,
    TrainingReturns,
    action_count,
    mean_recent_return,
    sample_seed,
)
from mlcli.task.policy.replay import Batch, Replay
from mlcli.train.protocols import Evaluation
from mlcli.train.update import Update
from mlcli.traits import TaskTraits

Count = Annotated[int, Range(1)]
Share = Annotated[float, Range(0, 1)]


class DQN(GradientTask):
    """A network with outputs B × A, the values of actions, trained on batches of transitions.

    An epoch is `rounds` rounds of `acting` time steps in `environments` environments (of all together), followed by
    `updates` updates. gamma: the discount factor. epsilon: the probability of a random action, which falls linearly
    from 1 over the first `exploration` time steps. warmup: time steps before the first update. capacity: of the
    replay buffer, in transitions. target_every: the updates after which the target network moves by the factor `tau`
    towards the trained one. double: the trained network chooses the action that the target network evaluates (van
    Hasselt et al. 2016, arXiv 1509.06461).
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
        self.policy = GreedyPolicy(data, model, loader, softmax=False, episodes=episodes, val_episodes=val_episodes)
        self.gamma, self.double = gamma, double
        self.rounds, self.environments, self.acting, self.updates = rounds, environments, acting, updates
        self.warmup, self.epsilon, self.exploration = warmup, epsilon, exploration
        self.target_every, self.tau = target_every, tau
        self.target = copy.deepcopy(model).requires_grad_(False).eval()
        self.replay = Replay(capacity)
        self.acted = 0  # time steps, of all environments together
        self.training_returns: TrainingReturns = []
        self.converged = False

    @staticmethod
    def outputs(data: DataSet) -> int:
        """The number of actions. Raises ValueError for data that is not such an environment."""
        return action_count(data)

    @staticmethod
    def epoch_steps(data: DataSet, cfg: Any) -> int:
        """The updates of an epoch."""
        return int(cfg.task.rounds * cfg.task.updates)

    def batches(self, epoch: int, start: int = 0) -> Iterable[Batch]:
        """Acts, then samples from the replay buffer, round by round. The environments are reset in each epoch, which
        thus depends on the seed, the epoch and the state before it alone, and has no other place to start from."""
        assert not start
        generator = self.loader.generator(epoch)
        seed = sample_seed(generator)
        torch.manual_seed(seed)  # for dropout
        stepper = EnvStepper(self.policy.world.make_vector(self.environments), seed)
        for _ in range(self.rounds):
            self._act(stepper, max(self.acting, self.warmup - self.acted), generator)
            self.model.train()
            for _ in range(self.updates):
                yield self.replay.sample(self.batch_size, generator)

    def _act(self, stepper: EnvStepper, steps: int, generator: torch.Generator) -> None:
        """Takes at least `steps` time steps with the ε-greedy policy and adds them to the replay buffer."""
        until = self.acted + steps
        while self.acted < until:
            greedy = self.policy(stepper.observations)
            random = torch.randint(self.policy.world.actions, greedy.shape, generator=generator)
            explore = torch.rand(greedy.shape, generator=generator) < self.current_epsilon()
            taken = stepper.step(torch.where(explore, random, greedy))
            inputs = self.loader.prepare(taken.observations)
            next_inputs = self.loader.prepare(taken.next_observations)
            rest = (each.to(inputs.device) for each in (taken.actions, taken.rewards))
            self.replay.add(inputs, *rest, next_inputs, taken.terminated.to(inputs.device))
            self.acted += len(inputs)
            self.training_returns += [(self.acted, total) for total in taken.returns]

    def current_epsilon(self) -> float:
        """The probability of a random action now."""
        if self.acted >= self.exploration:
            return self.epsilon
        return 1 + (self.epsilon - 1) * self.acted / self.exploration

    def step(self, batch: tuple[Tensor, ...]) -> dict[str, Any]:
        metrics = super().step(batch)
        if self.update.steps % self.target_every == 0:
            update_target(self.target, self.model, self.tau)
        return {**metrics, "epsilon": self.current_epsilon(), **mean_recent_return(self.training_returns)}

    def loss(
        self, inputs: Tensor, actions: Tensor, rewards: Tensor, next_inputs: Tensor, terminated: Tensor
    ) -> Tensor:
        """Mean Huber loss between the values of the taken actions and their targets."""
        values = self.model(inputs).gather(1, actions.unsqueeze(1)).squeeze(1)
        with torch.no_grad():
            target_values = self.target(next_inputs)
            choosing_values = self.model(next_inputs) if self.double else target_values
            targets = q_targets(rewards, terminated, target_values, choosing_values, self.gamma)
        return F.smooth_l1_loss(values, targets)

    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        return self.policy.evaluate(split, full, self.training_returns)

    def observe(self, score: float) -> None:
        """Training ends when the score is the highest return that is possible."""
        super().observe(score)
        self.converged = self.policy.is_optimal(score)

    def head(self) -> nn.Module:
        """The action with the highest value, and the values of all actions."""
        return self.policy.head()

    def state_dict(self) -> dict[str, Any]:
        buffers = {"target": self.target.state_dict(), "replay": self.replay.state_dict()}
        return super().state_dict() | buffers | self._agent_state()

    def _agent_state(self) -> dict[str, Any]:
        return {"acted": self.acted, "course": list(self.training_returns), "converged": self.converged}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        if "target" in state:
            self.target.load_state_dict(state["target"])
            self.replay.load_state_dict(state["replay"])
            self.acted, self.training_returns = state["acted"], list(state["course"])
            self.converged = state["converged"]


def q_targets(
    rewards: Tensor, terminated: Tensor, target_values: Tensor, choosing_values: Tensor, gamma: float
) -> Tensor:
    """B targets r + γ · Q(s', a'), or r where the episode has terminated. a' has the highest of the `choosing_values`
    of the next state, B × A, and Q(s', a') is its value in `target_values`, B × A."""
    next_values = target_values.gather(1, choosing_values.argmax(1, keepdim=True)).squeeze(1)
    return rewards + gamma * torch.where(terminated, 0.0, next_values)


@torch.no_grad()
def update_target(target: nn.Module, model: nn.Module, tau: float) -> None:
    """Moves the target network by the factor tau towards the model; tensors of integers are copied."""
    for old, new in zip(target.state_dict().values(), model.state_dict().values(), strict=True):
        if old.is_floating_point():
            old.lerp_(new, tau)
        else:
            old.copy_(new)
