"""What REINFORCE makes of the episodes that it has played."""

from typing import Any

import pytest
import torch

from mlcli.run.build import Parts, build
from mlcli.task.reinforce import advantages_of, normalised, returns_to_go
from tests.configs import run_config


def parts_of(*overrides: str) -> Parts:
    return build(run_config("device=cpu", "device.threads=1", "task=reinforce", *overrides))


def test_returns_to_go_of_equal_rewards_are_a_geometric_sum() -> None:
    steps, gamma = 40, 0.9
    found = returns_to_go(torch.ones(steps, 3, dtype=torch.float64), gamma)
    left = torch.arange(steps, 0, -1, dtype=torch.float64)
    expected = (1 - gamma**left) / (1 - gamma)
    torch.testing.assert_close(found, expected.unsqueeze(1).expand(-1, 3))


def test_returns_to_go_by_hand() -> None:
    rewards = torch.tensor([[1.0, 0.0], [2.0, 0.0], [4.0, 8.0]])
    assert returns_to_go(rewards, 0.5).tolist() == [[3.0, 2.0], [4.0, 4.0], [4.0, 8.0]]
    assert returns_to_go(rewards, 1.0)[0].tolist() == rewards.sum(0).tolist()


def test_baselines_by_hand() -> None:
    """Two episodes, the second of which ends after its first step."""
    returns, going = torch.tensor([[4.0, 2.0], [2.0, 0.0]]), torch.tensor([[True, True], [True, False]])
    assert advantages_of(returns, going, "none").tolist() == [4.0, 2.0, 2.0]
    assert advantages_of(returns, going, "mean").tolist() == pytest.approx([4 - 8 / 3, 2 - 8 / 3, 2 - 8 / 3])
    assert advantages_of(returns, going, "step").tolist() == [1.0, -1.0, 1.0]


def test_equal_returns_teach_nothing() -> None:
    """Episodes of Acrobot that never get there, whose equal returns differ from their mean by rounding alone."""
    returns = returns_to_go(torch.full((500, 7), -1.0), 0.99)
    advantages = advantages_of(returns, torch.ones(500, 7, dtype=torch.bool), "step")
    assert normalised(advantages, 500.0).abs().max() < 1e-2
    assert normalised(torch.zeros(5), 0.0).tolist() == [0.0] * 5
    assert normalised(torch.randn(100), 500.0).std().item() == pytest.approx(1)


def test_gradient_is_that_of_the_logarithms_weighted_by_advantages() -> None:
    """For logits z the gradient of −A · log π(a) is A · (π − e_a)."""
    task: Any = parts_of().task
    logits, actions, advantages = torch.randn(7, 2), torch.tensor([0, 1, 1, 0, 0, 1, 0]), torch.randn(7)
    task.model = torch.nn.Identity()
    logits.requires_grad_()
    task.loss(logits, actions, advantages).backward()
    chosen = torch.nn.functional.one_hot(actions, 2)
    expected = advantages.unsqueeze(1) * (logits.detach().softmax(1) - chosen) / 7
    torch.testing.assert_close(logits.grad, expected)


def test_the_bonus_is_the_entropy_of_the_policy() -> None:
    task: Any = parts_of("task.entropy=0.5").task
    inputs, actions = torch.randn(9, 4), torch.zeros(9, dtype=torch.int64)
    entropy = torch.distributions.Categorical(logits=task.model(inputs)).entropy().mean()
    torch.testing.assert_close(task.loss(inputs, actions, torch.zeros(9)), -0.5 * entropy)


def test_a_batch_has_each_step_of_its_episodes_once() -> None:
    task: Any = parts_of("task.batch_episodes=5", "task.updates=2").task
    batches = []
    for batch in task.batches(0):
        batches.append(batch)
        task.step(batch)
    steps, returns = zip(*task.training_returns, strict=True)
    assert len(task.training_returns) == 10
    assert [len(inputs) for inputs, _, _ in batches] == [sum(returns[:5]), sum(returns[5:])]
    assert steps[-1] == sum(returns)
    for _, _, advantages in batches:
        assert float(advantages.std()) == pytest.approx(1, abs=1e-4)


def test_twenty_updates_are_far_better_than_chance_and_the_same_each_time() -> None:
    weights = []
    for _ in range(2):
        task: Any = parts_of("task.updates=8").task
        for batch in task.batches(0):
            task.step(batch)
        weights.append(task.model.head.weight.clone())
    assert torch.equal(*weights)
    evaluation = task.evaluate("test", full=True)
    assert evaluation.metrics["return"] > 100  # random actions: 22
    assert len(evaluation.columns["return"]) == 100


def test_probabilities_are_told_and_the_likelier_action_is_taken() -> None:
    parts = parts_of()
    answers = parts.predict(parts.data.examples.inputs[:20])
    assert answers["probability/left"] + answers["probability/right"] == pytest.approx(1)
    right = answers["probability/right"] > 0.5
    assert (answers["prediction"] == ["right" if each else "left" for each in right]).all()
