"""Formulas of metrics, written once: for NumPy arrays (full evaluations) and torch tensors (every epoch, under vmap).

C classes or labels. Scores are 0 where the denominator is 0, as scikit-learn's with zero_division=0.
"""

from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

Array = TypeVar("Array", np.ndarray, Tensor)


def exact_matches(predicted: Array, targets: Array) -> Array:
    """Whether all C labels of an example are correct, N × C and N × C → N."""
    matches: Array = (predicted == targets).all(1)
    return matches


def precision(hits: Array, predicted: Array) -> Array:
    """TP / (TP + FP), from true positives and predicted positives."""
    ratio: Array = hits / predicted.clip(min=1)
    return ratio


def recall(hits: Array, support: Array) -> Array:
    """TP / (TP + FN), from true positives and positives."""
    ratio: Array = hits / support.clip(min=1)
    return ratio


def f1(hits: Array, support: Array, predicted: Array) -> Array:
    """2 TP / (2 TP + FP + FN)."""
    ratio: Array = 2 * hits / (support + predicted).clip(min=1)
    return ratio


def class_scores(hits_C: Array, support_C: Array, predicted_C: Array) -> dict[str, Array]:
    """accuracy, balanced_accuracy and f1_macro, from true positives, targets and predictions of each class.

    Classes without targets do not count in the balanced accuracy, classes that are neither target nor prediction do
    not count in F1.
    """
    return {
        "accuracy": hits_C.sum() / support_C.sum().clip(min=1),
        "balanced_accuracy": recall(hits_C, support_C).sum() / (support_C > 0).sum(),
        "f1_macro": f1(hits_C, support_C, predicted_C).sum() / (support_C + predicted_C > 0).sum(),
    }


def label_scores(hits_C: Array, support_C: Array, given_C: Array) -> dict[str, Array]:
    """f1_micro and f1_macro, from true positives, targets and predictions of each label."""
    return {
        "f1_micro": f1(hits_C.sum(), support_C.sum(), given_C.sum()),
        "f1_macro": f1(hits_C, support_C, given_C).mean(),
    }


def regression_errors(targets: Array, predictions: Array) -> dict[str, Array]:
    """mse, rmse and mae of N targets and N predictions."""
    error = predictions - targets
    mse = (error * error).mean()
    return {"mse": mse, "rmse": mse**0.5, "mae": abs(error).mean()}


def r2(mse: Any, variance: Any) -> Any:
    """1 − MSE / variance, or of both times N; of equal targets 1 if every prediction is exact, otherwise 0, as
    scikit-learn's."""
    where: Any = torch.where if isinstance(mse, Tensor) else np.where
    return where(variance > 0, 1 - mse / where(variance > 0, variance, 1.0), 1.0 * (mse == 0))
