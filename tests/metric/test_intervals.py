"""Confidence intervals, against SciPy's and by their coverage."""

import numpy as np
import pytest
from scipy import stats

from mlcli.metric import classification as metrics
from mlcli.metric import intervals
from mlcli.metric import regression as errors
from mlcli.metric.normal import wilson


@pytest.mark.parametrize(("hits", "count"), [(0, 1), (1, 1), (0, 30), (29, 30), (30, 30), (340, 360), (1, 10_000)])
def test_the_interval_of_a_share_is_wilsons(hits: int, count: int) -> None:
    expected = stats.binomtest(hits, count).proportion_ci(method="wilson")
    assert wilson(hits / count, count) == pytest.approx((expected.low, expected.high), abs=1e-8)


def test_the_intervals_of_a_classifier_are_near_scipys_bootstrap() -> None:
    rng = np.random.default_rng(3)
    targets = rng.integers(0, 3, 300)
    probabilities = rng.dirichlet(np.ones(3), 300) + 0.6 * np.eye(3)[targets]
    probabilities /= probabilities.sum(1, keepdims=True)
    losses = metrics.log_losses(targets, probabilities)
    found = intervals.classification(targets, probabilities.argmax(1), losses)
    for name in ("balanced_accuracy", "f1_macro", "log_loss"):

        def value(rows: np.ndarray, name: str = name) -> float:
            return metrics.scores(targets[rows], probabilities[rows], ["a", "b", "c"])[name]

        drawn = rng.integers(300, size=(1000, 300))
        expected = np.percentile([value(rows) for rows in drawn], (2.5, 97.5))
        assert found[name] == pytest.approx(expected, abs=0.012)
        assert found[name][0] < value(np.arange(300)) < found[name][1]


def test_the_intervals_of_a_regression_are_near_scipys_bootstrap() -> None:
    rng = np.random.default_rng(4)
    targets = rng.normal(5, 2, 200)
    predictions = targets + rng.standard_t(4, 200)
    found = intervals.regression(targets, predictions)
    for name in ("mse", "rmse", "mae", "r2"):
        sample = stats.bootstrap(
            (targets, predictions),
            lambda y, p, name=name: errors.scores(y, p)[name],
            paired=True,
            vectorized=False,
            method="percentile",
            n_resamples=1000,
            rng=rng,
        ).confidence_interval
        assert found[name] == pytest.approx((sample.low, sample.high), rel=0.08)


def test_weighted_means_resample_whole_examples() -> None:
    weights = np.array([1, 9, 5, 5])
    low, high = intervals.means({"accuracy": np.array([0.0, 1.0, 1.0, 1.0])}, weights)["accuracy"]
    assert 0 <= low < 19 / 20 < high == 1
    assert intervals.means({"x": np.ones(3)}, np.zeros(3))["x"] == (0, 0)  # no step has a label


def test_intervals_of_few_and_of_many_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    one = np.array([0])
    assert intervals.classification(one, one, np.array([0.1]))["f1_macro"] == (1, 1)
    assert "r2" not in intervals.regression(np.array([1.0]), np.array([2.0]))
    losses = np.random.default_rng(0).exponential(size=50)
    whole = intervals.means({"loss": losses})
    monkeypatch.setattr(intervals, "AT_ONCE", 7 * 50)  # as for splits whose resamples do not fit into memory
    assert intervals.means({"loss": losses})["loss"] == pytest.approx(whole["loss"])


def test_infinite_values_have_no_interval_and_no_warning() -> None:
    broken = intervals.regression(np.array([1.0, 2.0]), np.array([np.inf, np.nan]))
    assert not np.isfinite(list(broken.values())).any()
    one_lost = intervals.classification(np.array([0, 1]), np.array([0, 1]), np.array([0.1, np.nan]))
    assert np.isnan(one_lost["log_loss"]).all() and one_lost["f1_macro"][1] == 1


def test_the_interval_of_a_mean_covers_the_true_mean() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(300):
        low, high = intervals.means({"loss": rng.exponential(size=100)})["loss"]
        covered += low <= 1 <= high
    assert 0.90 <= covered / 300 <= 0.98
