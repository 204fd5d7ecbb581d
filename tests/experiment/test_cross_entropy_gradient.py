from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mlcli.experiment.cross_entropy_gradient import autograd, finite_differences


def test_softmax_minus_one_hot_is_the_gradient(experiment: Callable[..., Any]) -> None:
    conclusion = experiment("cross_entropy_gradient", "trainer.epochs=1")
    by_autograd, *by_differences = [row["max difference"] for row in conclusion.rows]
    assert by_autograd < 1e-15
    assert min(by_differences) < 1e-9 and max(by_differences) < 1e-4
    assert "softmax − one-hot differs from autograd by at most" in conclusion.sentence


def test_finite_differences_detect_a_wrong_formula() -> None:
    logits, targets = np.random.default_rng(0).normal(size=(4, 3)), np.array([0, 1, 2, 0])
    slopes = autograd(logits, targets)
    assert finite_differences(logits, targets, 1e-5) == pytest.approx(slopes, abs=1e-9)
    assert np.abs(slopes * len(targets) - slopes).max() > 0.1  # the sum in place of the mean
