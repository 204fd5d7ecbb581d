"""How well a probability ranks one class before the rest: ROC and precision-recall curves with their areas.

The tests compare them with scikit-learn's, whose checks of the arguments take too long for the short trials of a
sweep.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ranking:
    """Cumulative counts over N examples at each distinct probability, from the highest to the lowest.

    true, false: true and false positives, with every example down to this probability predicted positive.
    """

    true: np.ndarray
    false: np.ndarray

    @property
    def roc(self) -> tuple[np.ndarray, np.ndarray]:
        """False positive rate and true positive rate, from (0, 0) to (1, 1)."""
        rates = (np.concatenate([[0.0], counts / counts[-1]]) for counts in (self.false, self.true))
        return tuple(rates)  # type: ignore[return-value]  # two of them

    @property
    def roc_auc(self) -> float:
        false_rate, true_rate = self.roc
        return float(np.trapezoid(true_rate, false_rate))

    @property
    def precision_recall(self) -> tuple[np.ndarray, np.ndarray]:
        """Recall and precision, from recall 0, where precision is 1 by convention."""
        recall, precision = self.true / self.true[-1], self.true / (self.true + self.false)
        return np.concatenate([[0.0], recall]), np.concatenate([[1.0], precision])

    @property
    def average_precision(self) -> float:
        """The mean of the precision over recall, without interpolation."""
        recall, precision = self.precision_recall
        return float(np.sum(np.diff(recall) * precision[1:]))


def rank(is_class: np.ndarray, probability: np.ndarray) -> Ranking:
    """is_class: N booleans, of which some are true and some false; probability: N numbers."""
    order = np.argsort(-probability, kind="stable")
    descending = probability[order]
    distinct = np.append(np.flatnonzero(np.diff(descending)), len(order) - 1)  # equal ones count at once
    true = np.cumsum(is_class[order], dtype=np.float64)[distinct]
    return Ranking(true, distinct + 1 - true)
