"""Any number of labels an example: what is minimised and told, against torch and scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

from mlcli.metric import fast, multi_label
from mlcli.task.plots.multi_label import plots


def made(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """What examples have, and logits that know something of it."""
    draw = np.random.default_rng(seed)
    has = draw.random((150, 4)) < [0.5, 0.3, 0.1, 0.02]
    return has, draw.normal(size=has.shape) + 2 * has - 1


@pytest.mark.parametrize("seed", [0, 1])
def test_metrics_are_scikit_learns(seed: int) -> None:
    has, logits = made(seed)
    probabilities, labels = torch.tensor(logits).sigmoid().numpy(), list("abcd")
    given = probabilities > 0.5
    got = multi_label.scores(has, probabilities, labels)
    told = fast.multi_label(torch.tensor(logits), torch.tensor(has).double())
    assert got["accuracy"] == pytest.approx(sk.accuracy_score(has, given))
    assert got["hamming_loss"] == pytest.approx(sk.hamming_loss(has, given))
    for average in ("micro", "macro"):
        for name, score in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)):
            expected = score(has, given, average=average, zero_division=0)
            assert got[f"{name}_{average}"] == pytest.approx(expected)
        assert float(told[f"f1_{average}"]) == pytest.approx(got[f"f1_{average}"])
    assert float(told["accuracy"]) == pytest.approx(got["accuracy"])
    assert got["average_precision"] == pytest.approx(sk.average_precision_score(has, probabilities, average="macro"))
    assert got["roc_auc"] == pytest.approx(sk.roc_auc_score(has, probabilities, average="macro"))
    each = sk.f1_score(has, given, average=None, zero_division=0)
    assert [got[f"f1/{name}"] for name in labels] == pytest.approx(each)
    assert [row["average_precision"] for row in multi_label.table(has, probabilities, labels)] == pytest.approx(
        sk.average_precision_score(has, probabilities, average=None)
    )


def test_a_label_that_nobody_has_is_no_reason_to_fail() -> None:
    has, logits = made(0)
    has[:, 2] = False
    probabilities = 1 / (1 + np.exp(-logits))
    row = multi_label.table(has, probabilities, list("abcd"))[2]
    assert row["examples"] == 0 and row["average_precision"] is None and row["recall"] == 0
    assert {plot.name for plot in plots(has, probabilities, list("abcd"))} == {
        "labels",
        "precision_recall",
        "roc",
    }
