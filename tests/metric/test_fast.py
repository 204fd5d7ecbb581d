"""The metrics of every epoch against scikit-learn's."""

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

from mlcli.metric import classification, fast, regression


@pytest.mark.parametrize(("examples", "classes", "seed"), [(360, 10, 0), (57, 2, 1), (40, 12, 2), (2000, 100, 3)])
def test_classification_equals_scikit_learn(examples: int, classes: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    y = draw.integers(0, classes, examples)
    logits = draw.normal(size=(examples, classes)) + 1.5 * np.eye(classes)[y]
    got = {k: v.item() for k, v in fast.classification(torch.tensor(logits), torch.tensor(y)).items()}
    predicted = logits.argmax(1)
    assert got["accuracy"] == pytest.approx(sk.accuracy_score(y, predicted), abs=1e-12)
    assert got["f1_macro"] == pytest.approx(sk.f1_score(y, predicted, average="macro", zero_division=0), abs=1e-12)
    recall = sk.recall_score(y, predicted, labels=np.unique(y), average="macro", zero_division=0)
    assert got["balanced_accuracy"] == pytest.approx(recall, abs=1e-12)  # balanced_accuracy_score would warn
    probabilities = torch.tensor(logits).softmax(1).numpy()
    assert got["loss"] == pytest.approx(sk.log_loss(y, probabilities, labels=range(classes)), abs=1e-12)
    full = classification.scores(y, probabilities, [str(c) for c in range(classes)])
    for name in ("accuracy", "balanced_accuracy", "f1_macro"):
        assert got[name] == pytest.approx(full[name], abs=1e-12)


def test_classes_that_are_neither_target_nor_prediction_do_not_count() -> None:
    logits = torch.eye(5)[torch.tensor([0, 1, 1, 3])] * 9
    got = fast.classification(logits, torch.tensor([0, 1, 0, 0]))
    assert got["balanced_accuracy"].item() == pytest.approx((1 / 3 + 1) / 2)
    assert got["f1_macro"].item() == pytest.approx(sk.f1_score([0, 1, 0, 0], [0, 1, 1, 3], average="macro"))


@pytest.mark.parametrize("scale", [1.0, 3e5])
def test_regression_equals_scikit_learn(scale: float) -> None:
    draw = np.random.default_rng(0)
    y = (draw.normal(size=300) * scale + 2 * scale).astype(np.float32)
    p = (y + draw.normal(size=300) * scale / 3).astype(np.float32)
    got = {k: v.item() for k, v in fast.regression(torch.tensor(p), torch.tensor(y)).items()}
    y64, p64 = y.astype(np.float64), p.astype(np.float64)
    expected = {
        "loss": sk.mean_squared_error(y64, p64),
        "rmse": sk.root_mean_squared_error(y64, p64),
        "mae": sk.mean_absolute_error(y64, p64),
        "r2": sk.r2_score(y64, p64),
    }
    assert got == pytest.approx(expected, rel=1e-12)
    full = regression.scores(y, p)
    assert got == pytest.approx({"loss": full["mse"]} | {k: full[k] for k in ("rmse", "mae", "r2")}, rel=1e-12)


def test_r2_is_scikit_learns_to_the_last_digit() -> None:
    for seed in range(50):
        y, p = np.random.default_rng(seed).integers(-50, 50, (2, 7)).astype(np.float64)
        y[0] -= y.sum() % 7  # so that the mean and all sums are exact
        assert fast.regression(torch.tensor(p), torch.tensor(y))["r2"].item() == sk.r2_score(y, p)


@pytest.mark.parametrize(("predictions", "r2"), [([2.0, 2.0], 1.0), ([2.0, 3.0], 0.0)])
def test_r2_of_constant_targets_is_scikit_learns(predictions: list[float], r2: float) -> None:
    got = fast.regression(torch.tensor(predictions), torch.tensor([2.0, 2.0]))["r2"].item()
    assert got == r2 == sk.r2_score([2.0, 2.0], predictions)


@pytest.mark.parametrize(("examples", "left_out"), [(1, 0), (49, 0), (469, 5), (1000, 10)])
def test_the_trimmed_error_leaves_out_the_largest_hundredth(examples: int, left_out: int) -> None:
    draw = np.random.default_rng(examples)
    y, predicted = draw.normal(size=(2, examples))
    expected = np.sqrt(np.sort((y - predicted) ** 2)[: examples - left_out].mean())
    assert fast.trimmed_rmse(torch.tensor(predicted), torch.tensor(y)).item() == pytest.approx(expected, rel=1e-12)
    if left_out:
        y[:left_out] = 1e6  # outliers change it by no more than the errors that they replace
        assert fast.trimmed_rmse(torch.tensor(predicted), torch.tensor(y)).item() < 2 * expected
