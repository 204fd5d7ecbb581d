"""From which probability on a classifier says yes: how to choose it, and what follows. N examples."""

from math import ceil

import numpy as np

from mlcli.figure import confusion as figures_confusion
from mlcli.figure import threshold as figures_threshold
from mlcli.figure.plot import Plot, plain

STEPS = 400  # thresholds of the drawn curves

Counts = tuple[int, int, int, int]


def finding(is_class: np.ndarray, probability: np.ndarray, recall: float) -> float:
    """The highest threshold that finds at least this share of the class: N booleans, N probabilities.

    Raises ValueError when there is no example of the class.
    """
    own = np.sort(probability[is_class])[::-1]
    if len(own) == 0:
        raise ValueError("There is no example of the class to find: enlarge split.val.")
    needed = max(ceil(recall * len(own) - 1e-9), 1)
    return float(own[needed - 1])


def counts(is_class: np.ndarray, probability: np.ndarray, at: float) -> Counts:
    """Found, false alarms, missed and rightly cleared, where all from `at` on are called the class."""
    called = probability >= at
    outcomes = (called & is_class, called & ~is_class, ~called & is_class, ~called & ~is_class)
    found, alarms, missed, cleared = (int(outcome.sum()) for outcome in outcomes)
    return found, alarms, missed, cleared


def rates(found: int, alarms: int, missed: int, cleared: int) -> tuple[float, float, float]:
    """Precision, recall and F1; 0 where nothing is called the class, or nothing is of it."""
    f1 = 2 * found / max(2 * found + alarms + missed, 1)
    return found / max(found + alarms, 1), found / max(found + missed, 1), f1


def confusion(counted: Counts, name: str, other: str) -> Plot:
    """confusion_at_threshold, from counts of the class `name`."""
    found, alarms, missed, cleared = counted
    data = {"counts": [[cleared, alarms], [missed, found]], "classes": [other, name]}
    return Plot("confusion_at_threshold", figures_confusion.counts, data)


def by_threshold(is_class: np.ndarray, probability: np.ndarray, chosen: float, name: str, split: str) -> Plot:
    """threshold: precision, recall and F1 of a split at each threshold, with the chosen one marked."""
    thresholds = np.linspace(0, 1, STEPS + 1)
    each = np.array([rates(*counts(is_class, probability, at)) for at in thresholds])
    each[probability.max() < thresholds, 0] = np.nan  # of nothing there is no precision
    data = {
        "thresholds": plain(thresholds),
        **{rate: plain(column.round(5)) for rate, column in zip(("precision", "recall", "f1"), each.T, strict=True)},
        "chosen": chosen,
        "name": name,
        "split": split,
    }
    return Plot("threshold", figures_threshold.by_threshold, data)
