"""Which values of a metric compare, and which are too close to call."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_ind

from mlcli.metric.comparison import Estimate, context, differing, is_tie, places, standard_error


def compares(metric: str, task: str, **changed: Any) -> bool:
    """Whether runs that differ in these settings compare. task: class; keys with __ for dots."""
    settings = {
        "task._target_": f"mlcli.task.x.{task}", "task.noise": 0.0, "task.beta": 0.1, "task.ways": 5,
        "task.test_ways": None, "task.label_smoothing": 0.0, "data._target_": "mlcli.data.iris.iris",
        "model.clusters": 8, "optimizer.lr": 0.1, "trainer.class_weights": None, "split.classes": None,
    }  # fmt: skip
    other = settings | {key.replace("__", "."): value for key, value in changed.items()}
    return not differing([context(metric, settings), context(metric, other)])


@pytest.mark.parametrize("metric", ["val/loss", "val/accuracy", "val/profit"])
@pytest.mark.parametrize("task", ["Classification", "Own"])
def test_values_compare_within_a_data_set(metric: str, task: str) -> None:
    assert compares(metric, task, optimizer__lr=0.2, model__clusters=9, trainer__class_weights="balanced")
    assert not compares(metric, task, data__noise=0.1)
    assert not compares(metric, task, data___target_="mlcli.data.wine.wine")
    assert not compares(metric, task, split__classes=["a", "b"])


@pytest.mark.parametrize(
    ("metric", "task", "key", "value", "expected"),
    [
        ("val/loss", "Classification", "task.label_smoothing", 0.1, True),  # evaluation is never smoothed
        ("train/loss", "Classification", "task.label_smoothing", 0.1, False),
        ("train/loss", "Classification", "trainer.class_weights", "balanced", False),
        ("val/loss", "Classification", "task.loss._target_", "torch.nn.MultiMarginLoss", False),
        ("val/accuracy", "Classification", "task.loss._target_", "torch.nn.MultiMarginLoss", True),
        ("val/loss", "Classification", "task._target_", "mlcli.task.x.Regression", False),
        ("val/accuracy", "Classification", "task._target_", "mlcli.task.x.Own", True),
        ("val/loss", "Own", "task.anything", 1, False),
        ("val/accuracy", "Own", "task.anything", 1, True),
        ("train/inertia", "Clustering", "model.clusters", 9, False),
        ("train/loss", "Clustering", "model.clusters", 9, False),
        ("train/ari", "Clustering", "model.clusters", 9, True),
        ("train/loss", "Clustering", "model.starts", 3, True),
        ("val/mse", "Reconstruction", "task.noise", 0.5, False),
        ("val/mse", "Reconstruction", "task.beta", 0.5, True),
        ("val/loss", "Reconstruction", "task.beta", 0.5, False),
        ("test/accuracy", "FewShot", "task.ways", 20, False),  # of evaluation too, unless test_ways is set
        ("val/return", "DQN", "task.gamma", 0.9, True),
        ("val/loss", "DQN", "task.gamma", 0.9, False),
    ],
)
def test_what_else_must_be_equal(metric: str, task: str, key: str, value: Any, expected: bool) -> None:
    assert compares(metric, task, **{key.replace(".", "__"): value}) is expected


def test_more_ways_in_training_alone_compare() -> None:
    settings = {"task._target_": "mlcli.task.few_shot.FewShot", "task.test_ways": 5}
    contexts = [context("val/accuracy", settings | {"task.ways": ways}) for ways in (5, 20)]
    assert differing(contexts) == []


def test_the_error_of_a_share_is_binomial() -> None:
    examples = {"train": 1000, "val": 100, "test": 400}
    assert standard_error("val/accuracy", {"val/accuracy": 0.9}, examples) == pytest.approx(0.03)
    assert standard_error("test/f1_macro", {"test/f1_macro": 0.9}, examples) == pytest.approx(0.015)
    for metric in ("val/loss", "train/accuracy", "val/r2"):
        assert standard_error(metric, {metric: 0.9}, examples) is None
    measured = {"val/return": 20.0, "val/return_margin_of_error": 1.959964}
    assert standard_error("val/return", measured, examples) == pytest.approx(1.0)


def test_a_tie_of_means_is_what_the_t_test_does_not_reject() -> None:
    rng = np.random.default_rng(0)
    ties = 0
    for _ in range(200):
        n = int(rng.integers(2, 6))
        a, b = rng.normal(0, 1, n), rng.normal(2, rng.choice([0.3, 1.0]), n)
        pairs = [Estimate(x.mean(), x.std(ddof=1) / math.sqrt(n), n) for x in (a, b)]
        assert is_tie(*pairs) == (ttest_ind(a, b).pvalue >= 0.05)
        ties += is_tie(*pairs)
    assert 20 < ties < 180
    # A single run is taken to vary as much as the repeats of the other setting.
    single, repeats = rng.normal(0, 1, 1), rng.normal(2, 1, 4)
    mean = Estimate(repeats.mean(), repeats.std(ddof=1) / 2, 4)
    assert is_tie(Estimate(float(single[0])), mean) == (ttest_ind(single, repeats).pvalue >= 0.05)


def test_places() -> None:
    def shown(values: list[float | None], better: str, error: float | None = None) -> list[tuple[int | None, bool]]:
        found = places([None if value is None else Estimate(value, error) for value in values], better)
        assert sum(place.is_best for place in found) <= 1
        return [(place.rank, place.is_tied) for place in found]

    assert shown([0.3, None, 0.1, 0.3], "min") == [(2, True), (None, False), (1, False), (2, True)]
    assert shown([0.3, 0.1, 0.2], "max") == [(1, False), (3, False), (2, False)]
    assert shown([0.9, 0.88, 0.7], "max", 0.01) == [(1, True), (1, True), (3, False)]  # 0.02 < 1.96 · √2 · 0.01
    assert shown([0.9, 0.87, 0.7], "max", 0.01) == [(1, False), (2, False), (3, False)]
    (alone,) = places([Estimate(0.5)], "max")
    assert alone.rank == 1 and not alone.is_best
    assert [place.is_best for place in places([Estimate(0.5), Estimate(0.6)], "max")] == [False, True]
