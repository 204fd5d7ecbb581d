"""What the tasks minimise, held against torch and scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional as F

from mlcli.config.errors import ConfigError
from mlcli.run.build import Parts, build
from tests.configs import run_config


def parts_of(*overrides: str) -> Parts:
    return build(run_config("device=cpu", *overrides))


def test_cross_entropy_with_smoothing() -> None:
    task = parts_of("data=iris", "model=linear", "task.label_smoothing=0.2").task
    inputs, targets = next(iter(task.batches(0)))
    expected = F.cross_entropy(task.model(inputs), targets, label_smoothing=0.2)
    torch.testing.assert_close(task.loss(inputs, targets), expected)


def test_balanced_weights_are_scikit_learns() -> None:
    parts = parts_of("data=breast_cancer", "trainer.class_weights=balanced")
    targets = parts.data.examples.targets[parts.data.splits["train"]].numpy()
    expected = compute_class_weight("balanced", classes=np.array([0, 1]), y=targets)
    assert parts.task.weights.tolist() == pytest.approx(expected, rel=1e-6)


def test_weighted_loss_is_the_mean_of_weighted_examples() -> None:
    """So that micro-batches add up to the batch, whatever classes they hold."""
    task = parts_of("data=iris", "model=linear", "trainer.class_weights=[1,2,3]").task
    inputs, targets = next(iter(task.batches(0)))
    each = F.cross_entropy(task.model(inputs), targets, reduction="none")
    expected = (each * torch.tensor([1.0, 2.0, 3.0])[targets]).mean()
    torch.testing.assert_close(task.loss(inputs, targets), expected)


def test_evaluation_is_never_weighted() -> None:
    plain, weighted = parts_of("data=iris"), parts_of("data=iris", "trainer.class_weights=[1,2,30]")
    assert plain.task.evaluate("val").metrics["loss"] == weighted.task.evaluate("val").metrics["loss"]


def test_regression_is_fitted_in_standard_deviations_and_told_in_units() -> None:
    parts = parts_of("task=regression", "data=diabetes", "model=linear")
    train = parts.data.examples.targets[parts.data.splits["train"]]
    metrics = parts.task.evaluate("train").metrics
    assert float(metrics["loss"]) == pytest.approx(
        float(metrics["rmse"]) ** 2 / train.var(correction=0).item(), rel=1e-4
    )
    inputs, targets = next(iter(parts.task.batches(0)))
    standard = (targets - train.mean()) / train.std(correction=0)
    expected = F.mse_loss(parts.task.model(inputs).squeeze(1), standard)
    torch.testing.assert_close(parts.task.loss(inputs, targets), expected)


@pytest.mark.parametrize(
    ("weights", "word"), [("heavy", "balanced"), ("[1,2]", "3 numbers"), ("[1,2,-3]", "3 numbers")]
)
def test_wrong_class_weights(weights: str, word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        parts_of("data=iris", f"trainer.class_weights={weights}")
