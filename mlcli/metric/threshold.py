"""Decision thresholds of a binary classifier. N examples."""

from dataclasses import dataclass
from math import ceil

import numpy as np

STEPS = 400  # thresholds of a curve


@dataclass(frozen=True)
class Counts:
    """True positives, false positives, false negatives and true negatives."""

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def rates(self) -> tuple[float, float, float]:
        """Precision, recall and F1; 0 where undefined."""
        f1 = 2 * self.tp / max(2 * self.tp + self.fp + self.fn, 1)
        return self.tp / max(self.tp + self.fp, 1), self.tp / max(self.tp + self.fn, 1), f1


def threshold_for_recall(positive: np.ndarray, probability: np.ndarray, recall: float) -> float:
    """The highest threshold with at least this recall, from N booleans and N probabilities of the positive class.

    Raises ValueError if there is no positive example.
    """
    own = np.sort(probability[positive])[::-1]
    if len(own) == 0:
        raise ValueError("There is no positive example: use a larger split.val.")
    needed = max(ceil(recall * len(own) - 1e-9), 1)
    return float(own[needed - 1])


def counts(positive: np.ndarray, probability: np.ndarray, threshold: float) -> Counts:
    """With an example predicted positive from the threshold on."""
    predicted = probability >= threshold
    outcomes = (predicted & positive, predicted & ~positive, ~predicted & positive, ~predicted & ~positive)
    return Counts(*(int(outcome.sum()) for outcome in outcomes))


def rates_by_threshold(positive: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Thresholds from 0 to 1, and precision, recall and F1 at each of them (thresholds × 3); the precision is NaN
    where no example is predicted positive."""
    thresholds = np.linspace(0, 1, STEPS + 1)
    rates = np.array([counts(positive, probability, at).rates for at in thresholds])
    rates[probability.max() < thresholds, 0] = np.nan
    return thresholds, rates


def best_threshold(positive: np.ndarray, probability: np.ndarray) -> float | None:
    """The threshold with the highest F1 of the positive class, from N booleans and N probabilities, in the middle
    between two neighbouring ones; None if all examples are of one class."""
    if not positive.any() or positive.all():
        return None
    order = np.argsort(-probability, kind="stable")
    ordered, hits = probability[order], np.cumsum(positive[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + positive.sum())
    ends = np.append(ordered[1:] < ordered[:-1], True)  # equal probabilities are on one side
    place = int(np.argmax(np.where(ends, f1, -1.0)))
    below = ordered[place + 1] if place + 1 < len(ordered) else 0.0
    return float((ordered[place] + below) / 2)
