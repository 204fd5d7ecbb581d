"""Environments as data, and what comes of acting in them."""

import gymnasium
import numpy as np
import pytest
import torch
from torch import Tensor

from mlcli.data.cartpole import cartpole
from mlcli.data.environment import environment
from mlcli.loading.environment import Environment
from mlcli.loading.rollout import EnvStepper, rollout

CARTPOLE = Environment("CartPole-v1", actions=2, limit=500)
ACROBOT = Environment("Acrobot-v1", actions=3, limit=500)


def leaning(observations: Tensor) -> Tensor:
    """Pushes the cart to where the pole leans."""
    return (observations[:, 2] > 0).long()


def test_cartpole_is_named_observations_of_a_random_policy() -> None:
    data = cartpole(examples=200)
    assert data.inputs.shape == (200, 4) and data.inputs.dtype == torch.float32
    assert data.classes == ("left", "right") and len(data.features) == 4
    assert torch.equal(data.inputs, cartpole(examples=200).inputs)
    assert not torch.equal(data.inputs, cartpole(examples=200, seed=1).inputs)
    assert 0.4 < data.targets.float().mean() < 0.6
    assert (data.world.name, data.world.limit, data.world.best) == ("CartPole-v1", 500, 500)


def test_any_environment_with_vectors_and_countable_actions_will_do() -> None:
    data = environment("Acrobot-v1", actions=("left", "none", "right"))
    assert data.inputs.shape == (500, 6) and data.classes == ("left", "none", "right")
    assert data.features[0] == "feature 0" and data.world.actions == 3


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("CartPole", "no such environment. Did you mean CartPole-v1?"),
        ("os:CartPole-v1", "no such environment"),  # gymnasium would import the module
        ("Pendulum-v1", "no discrete actions"),
        ("FrozenLake-v1", "another kind than vectors"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"environment|use another") as told:
        environment(name)
    assert said in str(told.value) and "\n" not in str(told.value)


def test_wrong_number_of_names_is_told() -> None:
    with pytest.raises(ValueError, match=r"data\.actions has 2 names: there are 3"):
        environment("Acrobot-v1", actions=("left", "right"))


def test_rollout_gives_the_returns_that_one_environment_after_another_gives() -> None:
    """Each of several environments of Acrobot by gymnasium's own loop, which begins from seed, seed + 1, …"""

    def swing(observations: Tensor) -> Tensor:
        return torch.where(observations[:, 4] > 0, 2, 0)  # along with the first joint's velocity

    played = rollout(ACROBOT.make_vector(3), swing, seed=5)
    env = gymnasium.make("Acrobot-v1")
    for row in range(3):
        observation, _ = env.reset(seed=5 + row)
        total, steps, over = 0.0, 0, False
        while not over:
            action = int(swing(torch.from_numpy(observation).unsqueeze(0)))
            observation, reward, terminated, truncated, _ = env.step(action)
            total, steps, over = total + float(reward), steps + 1, terminated or truncated
        assert (float(played.returns[row]), int(played.lengths[row])) == (total, steps)
        assert played.active[:, row].sum() == steps


def test_the_same_seed_gives_the_same_episodes_and_lengths_are_returns_in_cartpole() -> None:
    first, again, other = (rollout(CARTPOLE.make_vector(8), leaning, seed) for seed in (1, 1, 2))
    assert torch.equal(first.observations, again.observations)
    assert not torch.equal(first.lengths, other.lengths)
    assert torch.equal(first.returns, first.lengths.float())
    assert len(first.rewards) == first.lengths.max()


def test_a_stepper_has_no_step_from_one_episode_into_the_next() -> None:
    stepper = EnvStepper(CARTPOLE.make_vector(5), seed=0)
    transitions, returns = 0, []
    for _ in range(200):
        met = stepper.step(leaning(stepper.observations))
        moved = (met.next_observations - met.observations)[:, 0].abs()
        assert (moved <= 0.02 * met.observations[:, 1].abs() + 1e-6).all()  # for 0.02 seconds
        assert (met.rewards == 1).all()
        transitions += len(met.actions)
        returns += met.returns
    assert len(returns) > 10
    assert transitions == 1000 - len(returns) + int(stepper.over.sum())
    assert np.mean(returns) > 30


def test_a_step_at_the_time_limit_is_no_end() -> None:
    """MountainCar that stands still for 200 steps is cut off, and might go on."""
    stepper = EnvStepper(Environment("MountainCar-v0", actions=3, limit=200).make_vector(1), seed=0)
    steps = [stepper.step(torch.ones(1, dtype=torch.int64)) for _ in range(200)]
    assert steps[-1].returns == [-200.0] and not any(bool(step.terminated.any()) for step in steps)
