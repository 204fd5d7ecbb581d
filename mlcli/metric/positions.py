"""Accuracy and loss of the predictions for the steps of sequences, by position. N examples, T steps."""

from typing import NamedTuple

import numpy as np


class ByPosition(NamedTuple):
    """The mean at each of T positions (NaN where nothing counts), how many predictions count there, and the mean over
    all of them."""

    values: np.ndarray
    counts: np.ndarray
    overall: float


def accuracy(targets: np.ndarray, predicted: np.ndarray) -> ByPosition:
    """From N × T class indices; a target of -1 does not count."""
    counts = targets >= 0
    return _means(np.where(predicted == targets, 1.0, 0.0), counts)


def bits(losses: np.ndarray, counts: np.ndarray) -> ByPosition:
    """Cross-entropy in bits, from N × T losses in nats and the mask of those that count."""
    return _means(losses / np.log(2), counts)


def _means(values: np.ndarray, counts: np.ndarray) -> ByPosition:
    count = counts.sum(0)
    total = np.where(counts, values, 0.0).sum(0)
    means = np.where(count > 0, total / count.clip(1), np.nan)
    return ByPosition(means, count, float(values[counts].mean()))
