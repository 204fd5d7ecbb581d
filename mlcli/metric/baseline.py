"""Metrics of predictions that ignore the inputs: what a model must exceed to have learned anything."""

import numpy as np

from mlcli.metric import formulas


def majority(train_targets: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """The accuracy of always predicting the most frequent class of the training split. Class indices, M and N."""
    if not len(train_targets):
        return {}
    return {"accuracy": float((targets == np.bincount(train_targets).argmax()).mean())}


def mean(train_targets: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """mse, rmse and mae of always predicting the mean of the training targets, M and N."""
    if not len(train_targets):
        return {}
    predictions = np.full(len(targets), train_targets.astype(np.float64).mean())
    return {name: float(value) for name, value in formulas.regression_errors(targets, predictions).items()}
