"""K-means against scikit-learn's, alone and as a stack, and as runs that are judged, kept and asked again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.metrics import adjusted_rand_score

from mlcli.cli.training import main
from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.config.errors import ConfigError
from mlcli.data import iris
from mlcli.loading.dataset import Examples
from mlcli.run.build import Parts, build
from mlcli.run.evaluate import evaluate_run
from mlcli.run.stacked import build_trials, stack_of
from mlcli.train.loop import Epoch, Plan, Progress, fit, fit_trials
from tests.configs import run_config

PLAN = Plan(epochs=300, monitor="train/loss", higher=False, validates=False)
IRIS = ["data=iris", "split.normalise=false", "model.clusters=3"]
DIGITS = ["data=digits", "data.flat=true", "model.clusters=10", "model.starts=20"]


def parts_of(*overrides: str) -> Parts:
    return build(run_config("task=clustering", "device=cpu", *overrides))


def solve(parts: Parts) -> dict[str, Any]:
    list(fit(parts.task, PLAN, Progress()))
    return parts.task.evaluate("train", full=True).metrics


@pytest.mark.parametrize("solver", ["torch", "scikit-learn"])
def test_iris_has_the_known_inertia(solver: str) -> None:
    metrics = solve(parts_of(*IRIS, f"task.solver={solver}"))
    assert float(metrics["inertia"]) == pytest.approx(78.8514, abs=0.001)
    assert metrics["ari"] == pytest.approx(0.7302, abs=1e-3)
    found = KMeans(3, n_init=10, random_state=0).fit(load_iris().data)
    assert found.inertia_ == pytest.approx(float(metrics["inertia"]), rel=1e-4)


def test_digits_are_as_good_as_scikit_learn_finds_them() -> None:
    metrics = solve(parts_of(*DIGITS))
    assert float(metrics["inertia"]) <= 69_460
    assert metrics["ari"] >= 0.46


def test_the_default_restarts_find_what_scikit_learn_finds_with_every_seed() -> None:
    """Pixels are from 0 to 16: an inertia of 4552 for pixels from 0 to 1 is that of n_init=10."""
    with hydra_session() as hydra:
        words = ["task=clustering", "data=digits", "model.clusters=10", "split.normalise=false", "device=cpu"]
        cfgs = [to_run(compose(hydra, [*words, f"trainer.seed={seed}"])) for seed in range(10)]
    stack = stack_of(build_trials(cfgs))
    progress = [Progress() for _ in cfgs]
    for _ in fit_trials(stack, [PLAN] * len(cfgs), progress):
        pass
    assert all(each.stopped == "converged" for each in progress)
    count = 1797
    assert max(each.best_score or 0.0 for each in progress) * count / 16**2 <= 4552


def near(places: list[list[float]], spread: float) -> Examples:
    """100 points around each of these places."""
    generator = torch.Generator().manual_seed(0)
    around = [torch.tensor(place) + spread * torch.randn(100, len(place), generator=generator) for place in places]
    targets = torch.arange(len(places)).repeat_interleave(100)
    return Examples("made", "vector", torch.cat(around), targets, tuple(map(str, range(len(places)))))


@pytest.mark.parametrize("solver", ["torch", "scikit-learn"])
@pytest.mark.parametrize(
    "made",
    [
        near([[52.50, 13.40], [52.51, 13.40], [52.50, 13.42]], 1e-3),  # degrees
        near([[1000.0, 1000.0], [1000.1, 1000.0], [1000.0, 1000.1]], 0.01),
        near([[-3000.0, 0.0], [0.0, 0.1], [3000.0, 0.0]], 0.03),  # far apart, and narrow
    ],
)
def test_clusters_far_from_the_origin(made: Examples, solver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iris, "iris", lambda **_: made)
    parts = parts_of(*IRIS, f"task.solver={solver}")
    metrics = solve(parts)
    points = made.inputs.double().numpy()
    theirs = KMeans(3, n_init=10, random_state=0).fit(points)
    assert metrics["ari"] == adjusted_rand_score(made.targets, theirs.labels_) > 0.99
    # The centres are kept in single precision, whose rounding at these places is not far below the spread.
    assert float(metrics["inertia"]) == pytest.approx(theirs.inertia_, rel=1e-3)
    columns = parts.predict(made.inputs)
    assert adjusted_rand_score(columns["cluster"], theirs.labels_) == 1.0
    centres = parts.model.centroids.double().numpy()
    own = np.linalg.norm(points - centres[columns["cluster"]], axis=1)
    assert columns["distance"] == pytest.approx(own, rel=1e-3)


def test_mini_batches_come_close_to_whole_ones() -> None:
    whole = float(solve(parts_of(*DIGITS))["inertia"])
    parts = parts_of(*DIGITS, "task.mini_batch=256")
    list(fit(parts.task, Plan(epochs=10, monitor="train/loss", higher=False, validates=False), Progress()))
    inertia = float(parts.task.evaluate("train").metrics["inertia"])
    assert whole < inertia < 1.05 * whole


@pytest.mark.parametrize("how", ["task.mini_batch=null", "task.mini_batch=64", "task.solver=scikit-learn"])
def test_a_stack_finds_what_each_finds_alone(how: str) -> None:
    trials = [[f"model.clusters={k}", f"trainer.seed={seed}"] for k, seed in ((2, 0), (5, 1), (3, 2), (5, 3))]
    common = ["data=iris", "model.starts=2", how]
    plans = [Plan(epochs=8, monitor="train/loss", higher=False, validates=False)] * len(trials)
    alone, stacked = ([parts_of(*common, *own) for own in trials] for _ in range(2))
    histories = [[e.metrics for e in fit(p.task, plans[0], Progress()) if isinstance(e, Epoch)] for p in alone]
    stack, progress = stack_of(stacked), [Progress() for _ in trials]
    events = [e for e in fit_trials(stack, plans, progress) if isinstance(e, Epoch)]
    stack.write_back()
    for trial, (one, other) in enumerate(zip(stacked, alone, strict=True)):
        torch.testing.assert_close(one.model.centroids, other.model.centroids, rtol=1e-5, atol=1e-5)
        own = [event.metrics for event in events if event.trial == trial]
        assert [each["train/loss"] for each in own] == pytest.approx([e["train/loss"] for e in histories[trial]])


def test_a_run_is_judged_on_what_it_was_given_and_names_the_cluster_of_new_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlcli.serve.predictor import Predictor

    monkeypatch.chdir(tmp_path)
    main(["-q", "task=clustering", *IRIS, "tracking=none", "device=cpu"])
    (run,) = tmp_path.glob("outputs/runs/*")
    assert {path.stem for path in (run / "figures").glob("*.png")} >= {"clusters", "silhouettes", "iterations"}
    scores = json.loads((run / "result.json").read_text())["metrics"]
    table = Predictor(run / "model").predict(load_iris().data)
    labels = np.asarray(table["cluster"])
    assert adjusted_rand_score(load_iris().target, labels) == pytest.approx(scores["train/ari"])
    nearest = np.square(np.asarray(table["distance"])).sum()
    assert nearest == pytest.approx(scores["train/inertia"], rel=1e-4)
    again = evaluate_run("last", tmp_path / "outputs", [], None, None)  # of a split that there is
    assert again["train/inertia"] == pytest.approx(scores["train/inertia"])


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["model.clusters=200", "data=iris"], "model.clusters=200: there are 150 examples to train on"),
        (["model=mlp", "data=iris"], "use model=kmeans"),
        (["task=classification", "model=kmeans", "data=iris", "split.test=0.2"], "use task=clustering"),
        (["task.solver=scikit-learn", "task.mini_batch=10"], "use task.mini_batch=null"),
    ],
)
def test_mistakes_are_told_with_what_to_type(overrides: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parts_of(*overrides)
