"""Scores equal scikit-learn's on real predictions."""

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.datasets import load_breast_cancer, load_digits

from mlcli.metric import classification
from tests.predictions import Classified, classified


@pytest.fixture(scope="module")
def digits() -> Classified:
    return classified(load_digits, 300)


@pytest.fixture(scope="module")
def cancer() -> Classified:
    return classified(load_breast_cancer, 150)


@pytest.mark.parametrize("which", ["digits", "cancer"])
def test_scores_equal_scikit_learns(which: str, request: pytest.FixtureRequest) -> None:
    y, p, classes, _ = request.getfixturevalue(which)
    got = classification.scores(y, p, classes)
    p = p.astype(np.float64) / p.astype(np.float64).sum(1, keepdims=True)
    said, binary = p.argmax(1), len(classes) == 2
    target_NC = np.eye(len(classes))[y]
    expected = {
        "accuracy": sk.accuracy_score(y, said),
        "balanced_accuracy": sk.balanced_accuracy_score(y, said),
        "precision_macro": sk.precision_score(y, said, average="macro"),
        "recall_macro": sk.recall_score(y, said, average="macro"),
        "f1_macro": sk.f1_score(y, said, average="macro"),
        "log_loss": sk.log_loss(y, p),
        "matthews_corrcoef": sk.matthews_corrcoef(y, said),
        "roc_auc": sk.roc_auc_score(y, p[:, 1]) if binary else sk.roc_auc_score(y, p, multi_class="ovr"),
        "average_precision": (
            sk.average_precision_score(y, p[:, 1]) if binary else sk.average_precision_score(target_NC, p)
        ),
    }
    for name, score in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)):
        each = score(y, said, average=None)
        expected |= {f"{name}/{c}": each[i] for i, c in enumerate(classes)}
    assert got == pytest.approx(expected, abs=1e-9)


def test_what_is_not_defined_is_left_out() -> None:
    p = np.array([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1]], dtype=np.float32)
    got = classification.scores(np.array([0, 0, 0]), p, ["a", "b", "c"])
    assert "roc_auc" not in got and "recall/b" not in got and "f1/c" not in got
    assert got["precision/b"] == 0 and got["recall/a"] == pytest.approx(2 / 3)
    assert got["balanced_accuracy"] == pytest.approx(2 / 3)


def test_probabilities_that_are_not_finite_leave_the_counts() -> None:
    y, p = np.array([0, 1]), np.array([[np.nan, np.nan], [0.2, 0.8]], dtype=np.float32)
    assert "log_loss" not in classification.scores(y, p, ["a", "b"])
