"""Calibration: how often a classifier is right at each level of confidence. N examples, C classes."""

from dataclasses import dataclass

import numpy as np

BINS = 10


@dataclass(frozen=True)
class Reliability:
    """The bins that contain examples: index, number of examples, mean confidence and observed frequency of each, and
    the expected calibration error over all of them."""

    bin: np.ndarray
    count: np.ndarray
    confidence: np.ndarray
    observed: np.ndarray
    error: float


def reliability(targets: np.ndarray, probabilities: np.ndarray) -> Reliability:
    """From N class indices and N × C probabilities, in ten bins of equal width.

    With two classes the confidence is the probability of class 1, otherwise the highest probability.
    """
    binary = probabilities.shape[1] == 2
    confidence = probabilities[:, 1] if binary else probabilities.max(1)
    correct = targets == 1 if binary else targets == probabilities.argmax(1)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1).clip(min=0)
    count = np.bincount(bins, minlength=BINS)
    used = count > 0
    mean = np.bincount(bins, confidence, minlength=BINS)[used] / count[used]
    observed = np.bincount(bins, correct, minlength=BINS)[used] / count[used]
    error = float(np.sum(count[used] * np.abs(mean - observed)) / len(targets))
    return Reliability(np.flatnonzero(used), count[used], mean, observed, error)
