"""Agents against what is known: value iteration, closed forms, gymnasium's own episodes, Sutton and Barto's cliff."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch

from mlcli.cli.training import main
from mlcli.config.errors import ConfigError
from mlcli.run.build import Parts, build
from mlcli.run.plot_run import plot_run
from mlcli.run.stacked import build_trials, stack_of
from mlcli.serve.predictor import Predictor
from mlcli.store.folder import RunFolder
from mlcli.task.tabular.dynamic_programming import value_iteration
from tests.configs import run_config

CORRIDOR = ["S...G"]


def configs(variants: Sequence[Sequence[str]]) -> list[Any]:
    return [run_config("device=cpu", "task=control", *each) for each in variants]


def train(task: Any, epochs: int) -> list[dict[str, Any]]:
    return [task.step(batch) for epoch in range(epochs) for batch in task.batches(epoch)]


def seeds(count: int, *overrides: str) -> tuple[Any, dict[str, torch.Tensor]]:
    """A stack of `seeds` seeds after 500 episodes, and the numbers of its last epoch."""
    parts = build_trials(configs([[*overrides, f"trainer.seed={seed}"] for seed in range(count)]))
    stack = stack_of(parts)
    return stack, train(stack, 50)[-1]


def alone(*overrides: str, epochs: int = 50) -> Parts:
    parts = build(*configs([overrides]))
    train(parts.task, epochs)
    return parts


def test_on_the_cliff_q_learning_is_bold_and_sarsa_careful() -> None:
    """Sutton and Barto, example 6.6: the best path, of 13 steps, leads along the cliff; SARSA counts with its own
    exploration, goes round it, and falls less often."""
    bold, last = seeds(30, "data=cliff_walking", "task.gamma=1")
    assert (last["return"] == -13).sum() >= 29
    careful, last = seeds(10, "data=cliff_walking", "task.gamma=1", "task.method=sarsa")
    returns, counts = last["return"].unique(return_counts=True)
    assert returns[counts.argmax()] == -17
    assert careful.agents.returns[:, 100:].mean() > bold.agents.returns[:, 100:].mean() + 10


@pytest.mark.parametrize("method", ["q_learning", "sarsa", "expected_sarsa", "double_q"])
def test_every_method_comes_to_the_values_of_the_best_policy(method: str) -> None:
    """Where it explores less and less, and each value becomes a mean."""
    decay = ["task.epsilon=1", "task.epsilon_end=0", "task.alpha=1", "task.alpha_power=0.6", "task.gamma=0.9"]
    parts = alone(f"task.method={method}", f"data.map={CORRIDOR}", "data.slip=0.2", *decay, "task.episodes=40")
    exact = value_iteration(parts.data.examples.world, 0.9)
    learnt = parts.model(parts.data.examples.inputs).numpy()
    assert (learnt[:-1].argmax(1) == exact[:-1].argmax(1)).all()
    assert learnt[:-1].max(1) == pytest.approx(exact[:-1].max(1), abs=0.05)


def test_value_iteration_converges_to_the_closed_form() -> None:
    parts = alone("task.method=value_iteration", f"data.map={CORRIDOR}", "data.step=0", "task.gamma=0.5", epochs=2)
    assert parts.task.converged
    assert parts.model.tables[0, :4, 1].tolist() == [0.125, 0.25, 0.5, 1.0]


def test_value_iteration_on_slippery_ice_succeeds_as_often_as_is_known() -> None:
    parts = alone("task.method=value_iteration", "data=frozen_lake", epochs=20)
    metrics = parts.task.evaluate("train", full=True).metrics
    assert metrics["success_rate_without_limit"] == pytest.approx(14 / 17, abs=1e-6)
    assert metrics["success_rate"] == metrics["return"] == pytest.approx(0.7402, abs=1e-4)  # within 100 steps


@pytest.mark.parametrize(
    ("data", "name", "limit"),
    [("frozen_lake", "FrozenLake-v1", None), ("cliff_walking", "CliffWalking-v1", 500), ("taxi", "Taxi-v4", None)],
)
def test_the_exact_return_is_that_of_gymnasiums_own_episodes(data: str, name: str, limit: int | None) -> None:
    parts = alone("task.method=value_iteration", f"data={data}", epochs=20)
    policy = parts.model(parts.data.examples.inputs).argmax(1).tolist()
    env = gymnasium.make(name, max_episode_steps=limit)
    returns = [_episode(env, policy, seed) for seed in range(600)]
    expected = parts.task.evaluate("train").metrics["return"]
    assert abs(np.mean(returns) - expected) < 4 * np.std(returns) / len(returns) ** 0.5 + 1e-9


def _episode(env: Any, policy: list[int], seed: int) -> float:
    state, _ = env.reset(seed=seed)
    gained, over = 0.0, False
    while not over:
        state, reward, ended, cut_off, _ = env.step(policy[state])
        gained, over = gained + float(reward), ended or cut_off
    return gained


VARIED = (
    ["trainer.seed=3", "task.alpha=0.1"],
    ["trainer.seed=3", "task.epsilon=0.5", "task.epsilon_end=0.0", "task.decay=30"],
    ["trainer.seed=4", "task.gamma=0.9", "task.alpha_power=1", "model.initial=0.5"],
)


@pytest.mark.parametrize("method", ["q_learning", "sarsa", "expected_sarsa", "double_q", "value_iteration"])
def test_stacked_equals_alone_bit_for_bit(method: str) -> None:
    chosen = configs([[f"task.method={method}", "data.slip=0.1", *each] for each in VARIED])
    parts = build_trials(chosen)
    stack = stack_of(parts)
    together = train(stack, 3)
    stack.keep([0, 2])  # one leaves
    together += [task for epoch in (3, 4) for batch in stack.batches(epoch) for task in [stack.step(batch)]]
    stack.write_back()
    for row, place in ((0, 0), (1, 2)):
        single = build(chosen[place])
        values = train(single.task, 5)
        assert values[4]["loss"] == together[4]["loss"][row]
        assert torch.equal(single.model.tables, parts[place].model.tables)
        assert torch.equal(single.model.visits, parts[place].model.visits)
        assert np.array_equal(single.task.agents.returns, parts[place].task.agents.returns)


def test_rates_fall_in_a_straight_line() -> None:
    task: Any = build(*configs([["task.epsilon=0.6", "task.epsilon_end=0.1", "task.decay=100"]])).task
    list(task.batches(0))
    agents = task.agents
    for episodes, epsilon in ((0, 0.6), (50, 0.35), (100, 0.1), (300, 0.1)):
        agents._set_schedules(np.array([episodes]))
        assert agents.epsilon[0] == pytest.approx(epsilon) and agents.alpha[0] == 0.5


def test_predicts_actions_by_name() -> None:
    parts = alone("task.method=value_iteration", f"data.map={CORRIDOR}", epochs=1)
    told = parts.predict(torch.tensor([[0], [3]]))
    assert told["prediction"].tolist() == ["right", "right"]
    assert set(told) == {"prediction", "value/up", "value/right", "value/down", "value/left"}


def test_a_finished_run_answers_for_states_by_name_without_its_world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["-q", "task=control", "task.method=double_q", "tracking=none", "tracking.figures=false", "device=cpu"])
    (folder,) = tmp_path.glob("outputs/runs/*")
    predictor = Predictor(folder / "model")
    told = predictor.predict(["row 4 column 2", "row 6 column 0"])
    assert told["prediction"][0] == "right"
    assert predictor.predict([[30], [0]]).shape == (2, 5)
    for wrong, words in ((["nowhere"], "an unknown state 'nowhere'"), ([[44]], "from 0 to 43")):
        with pytest.raises(ValueError, match=words):
            predictor.predict(wrong)
    plot_run(RunFolder(folder))  # with its world
    assert {path.name for path in (folder / "figures").glob("*.gif")} == {"episode.gif"}


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["data=iris", "model=mlp"], "use model=q_table."),
        (["data=iris"], "takes state inputs, not vector (data=iris)"),
        (["data.map=[S.?,..G]"], "unknown cell '?'"),
        (["data.map=[S..,...]"], "data.map has no goal"),
        (["data.map=[...,.G.]"], "data.map has no start"),
        (["data.map=[S.O,.OG]"], "no path from S to G"),
    ],
)
def test_says_what_does_not_fit(overrides: list[str], told: str) -> None:
    with pytest.raises(ConfigError) as error:
        build(*configs([overrides]))
    assert told in str(error.value) and "\n" not in str(error.value)


def test_draws_maps_and_a_film_of_an_episode(tmp_path: Path) -> None:
    from PIL import Image

    parts = alone("task.episodes=20", epochs=5)
    plots = parts.task.evaluate("train", full=True).plots()
    assert [plot.name for plot in plots] == ["online_return", "policy", "visits", "episode"]
    (film,) = [plot for plot in plots if plot.suffix == "gif"]
    with Image.open(film.save(tmp_path)) as picture:
        assert picture.format == "GIF" and picture.n_frames == len(film.data["path"]) > 5
    assert (tmp_path / "episode.json").exists()


def test_a_world_without_a_map_has_no_map_drawn() -> None:
    plots = alone("data=taxi", epochs=1).task.evaluate("train", full=True).plots()
    assert [plot.name for plot in plots] == ["online_return"]
