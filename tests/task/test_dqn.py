"""What deep Q-learning learns from, remembers and minimises."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from mlcli.config.errors import ConfigError
from mlcli.run.build import Parts, build
from mlcli.sweep.grouping import stacking_obstacle
from mlcli.task.dqn import q_targets, update_target
from mlcli.train.loop import Epoch, Plan, Progress, fit
from tests.configs import run_config

RANDOM = 22  # mean return of random actions


def parts_of(*overrides: str) -> Parts:
    return build(run_config("device=cpu", "device.threads=1", "task=dqn", *overrides))


def test_targets_by_hand() -> None:
    rewards, ended = torch.tensor([1.0, 1.0, 2.0]), torch.tensor([False, True, False])
    valued = torch.tensor([[3.0, 5.0], [7.0, 9.0], [1.0, -1.0]])
    assert q_targets(rewards, ended, valued, valued, 0.5).tolist() == [1 + 2.5, 1, 2 + 0.5]
    picked = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])  # double: other actions, valued as before
    assert q_targets(rewards, ended, valued, picked, 0.5).tolist() == [1 + 1.5, 1, 2 - 0.5]


def test_loss_is_the_huber_loss_of_the_actions_taken() -> None:
    task: Any = parts_of("task.double=false", "task.gamma=0.9").task
    with torch.no_grad():
        task.target.head.bias += 3  # another network than the one that learns
    inputs, following = torch.randn(2, 6, 4)
    actions, rewards = torch.tensor([0, 1, 1, 0, 1, 0]), torch.randn(6)
    ended = torch.tensor([True, False, False, False, True, False])
    values = task.model(inputs)[range(6), actions]
    targets = rewards + 0.9 * task.target(following).max(1).values * ~ended
    loss = task.loss(inputs, actions, rewards, following, ended)
    torch.testing.assert_close(loss, nn.HuberLoss()(values, targets))
    loss.backward()
    assert all(parameter.grad is None for parameter in task.target.parameters())


def test_the_target_network_follows_as_far_as_it_is_told() -> None:
    target, model = nn.BatchNorm1d(1), nn.BatchNorm1d(1)
    with torch.no_grad():
        model.weight.fill_(5)
        model.num_batches_tracked.fill_(7)
    update_target(target, model, 0.25)
    assert (target.weight.item(), target.num_batches_tracked.item()) == (2, 7)
    update_target(target, model, 1)
    assert target.weight.item() == 5


def test_the_target_network_stands_still_between_its_updates() -> None:
    task: Any = parts_of("task.target_every=3", "task.warmup=100").task
    batches = iter(task.batches(0))
    start = task.target.head.weight.clone()
    for still in (True, True, False):
        task.step(next(batches))
        assert torch.equal(task.target.head.weight, start) == still
    assert torch.equal(task.target.head.weight, task.model.head.weight)


def test_random_actions_become_fewer() -> None:
    task: Any = parts_of("task.exploration=1000", "task.epsilon=0.1").task
    for acted, share in ((0, 1.0), (500, 0.55), (1000, 0.1), (5000, 0.1)):
        task.acted = acted
        assert task.current_epsilon() == pytest.approx(share)


def test_an_epoch_acts_as_much_as_it_says() -> None:
    parts = parts_of("task.rounds=3", "task.updates=5", "task.acting=100", "task.warmup=150", "task.exploration=0")
    task: Any = parts.task
    batches = list(task.batches(0))
    assert len(batches) == parts.steps_per_epoch == 15
    assert 350 <= task.acted < 350 + 3 * 4 and len(task.replay) == task.acted
    assert [len(tensor) for tensor in batches[0]] == [64] * 5


def test_a_few_hundred_updates_are_better_than_chance(tmp_path: Path) -> None:
    parts = parts_of("task.rounds=64", "task.exploration=1500", "model.width=64")
    plan, progress = Plan(epochs=2, monitor="val/return", higher=True), Progress()
    epochs = list(fit(parts.task, plan, progress))
    parts.task.load_state_dict({"model": progress.best_weights})
    evaluation = parts.task.evaluate("test", full=True)
    assert evaluation.metrics["return"] > 2.5 * RANDOM
    assert evaluation.columns["return"].mean() == pytest.approx(float(evaluation.metrics["return"]))
    drawn = [plot.save(tmp_path).name for plot in evaluation.plots()]
    assert drawn == ["training_returns.png", "returns.png", "episode.png", "episode_film.gif"]
    assert isinstance(epochs[-2], Epoch) and RANDOM / 2 < epochs[-2].metrics["train/return"] < 500


def test_training_ends_when_nothing_better_can_be_reached() -> None:
    task: Any = parts_of().task
    task.observe(499.9)
    assert not task.converged
    task.observe(500.0)
    assert task.converged


@pytest.mark.parametrize("task", ["dqn", "reinforce"])
def test_trials_of_a_sweep_train_one_by_one(task: str) -> None:
    cfg = run_config(f"task={task}")
    assert stacking_obstacle(cfg) == "each trial acts in environments of its own"


def test_predictions_are_the_actions_of_the_highest_value() -> None:
    parts = parts_of()
    answers = parts.predict(parts.data.examples.inputs[:20])
    right = answers["value/right"] > answers["value/left"]
    assert (answers["prediction"] == ["right" if each else "left" for each in right]).all()


@pytest.mark.parametrize("task", ["dqn", "reinforce"])
def test_data_that_is_no_environment_is_refused(task: str) -> None:
    with pytest.raises(ConfigError, match="not an environment with numeric observations: use data=cartpole"):
        parts_of(f"task={task}", "data=iris")


def test_other_tasks_refuse_an_environment() -> None:
    with pytest.raises(ConfigError, match="is an environment: use task=dqn"):
        parts_of("task=classification", "data=cartpole")
