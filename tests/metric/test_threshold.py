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
