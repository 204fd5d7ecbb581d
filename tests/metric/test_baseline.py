"""Baselines, against scikit-learn's dummy estimators."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import mean_absolute_error, mean_squared_error

from mlcli.metric import baseline


def test_the_majority_class_is_that_of_the_training_split() -> None:
    train, test = np.array([2, 2, 0, 1]), np.array([0, 0, 0, 2])
    dummy = DummyClassifier().fit(np.zeros((4, 1)), train)
    assert baseline.majority(train, test) == {"accuracy": dummy.score(np.zeros((4, 1)), test)}


def test_the_mean_is_that_of_the_training_split() -> None:
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=50), rng.normal(3, size=20)
    predicted = DummyRegressor().fit(np.zeros((50, 1)), train).predict(np.zeros((20, 1)))
    mse = mean_squared_error(test, predicted)
    expected = {"mse": mse, "rmse": mse**0.5, "mae": mean_absolute_error(test, predicted)}
    assert baseline.mean(train, test) == pytest.approx(expected)


def test_there_is_no_baseline_without_training_examples() -> None:
    assert baseline.majority(np.array([], dtype=int), np.array([1])) == baseline.mean(np.array([]), np.ones(1)) == {}
