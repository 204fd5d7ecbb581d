"""Thresholds and what follows from them, against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from mlcli.metric import threshold


@pytest.fixture(scope="module")
def scored() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    is_class = draw.random(300) < 0.3
    return is_class, (is_class * 0.3 + draw.random(300) * 0.7).round(3)


@pytest.mark.parametrize("recall", [0.0, 0.5, 0.9, 1.0])
def test_the_highest_with_that_recall(scored: tuple[np.ndarray, np.ndarray], recall: float) -> None:
    is_class, probability = scored
    at = threshold.threshold_for_recall(is_class, probability, recall)
    assert metrics.recall_score(is_class, probability >= at) >= recall
    higher = probability[probability > at].min(initial=2.0)
    assert metrics.recall_score(is_class, probability >= higher, zero_division=0) < max(recall, 1e-9)


def test_counts_and_rates(scored: tuple[np.ndarray, np.ndarray]) -> None:
    is_class, probability = scored
    counts = threshold.counts(is_class, probability, 0.4)
    matrix = [[counts.tn, counts.fp], [counts.fn, counts.tp]]
    assert metrics.confusion_matrix(is_class, probability >= 0.4).tolist() == matrix
    expected = metrics.precision_recall_fscore_support(is_class, probability >= 0.4, average="binary")[:3]
    assert counts.rates == pytest.approx(expected)
    assert threshold.Counts(0, 0, 0, 5).rates == (0, 0, 0)


def test_no_example_of_the_class() -> None:
    with pytest.raises(ValueError, match=r"split\.val"):
        threshold.threshold_for_recall(np.zeros(3, dtype=bool), np.ones(3), 0.9)


def test_the_best_threshold_has_the_highest_f1_of_all() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        positive, probability = random.random(40) < 0.3, np.round(random.random(40), 1)  # with equal ones
        chosen = threshold.best_threshold(positive, probability)
        assert chosen is not None
        everywhere = np.linspace(-0.05, 1.05, 23)
        best = max(metrics.f1_score(positive, probability >= at, zero_division=0) for at in everywhere)
        assert metrics.f1_score(positive, probability >= chosen) == pytest.approx(best)
    assert threshold.best_threshold(np.ones(3, bool), np.ones(3)) is None
