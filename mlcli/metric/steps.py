"""What an answer for each step of a sequence tells beyond its mean: how it changes along the sequence.

N examples, T steps; a target of -1 is a step without an answer.
"""

import numpy as np

from mlcli.figure import steps as figures_steps
from mlcli.figure.plot import Plot, plain


def accuracy_by_position(targets: np.ndarray, predicted: np.ndarray) -> Plot:
    """accuracy_by_position: the share of right answers at each step of those that have one; both N × T."""
    answered = targets >= 0
    count = answered.sum(0)
    mean = _over((predicted == targets) & answered, count)
    overall = float((predicted == targets)[answered].mean())
    data = {"values": plain(mean), "count": count.tolist(), "overall": overall}
    return Plot("accuracy_by_position", figures_steps.accuracy_by_position, data)


def loss_by_position(losses: np.ndarray, answered: np.ndarray, unit: str) -> Plot:
    """loss_by_position: bits that the next token takes after each step; N × T losses in nats, and which count."""
    count = answered.sum(0)
    bits = losses / np.log(2)
    mean = _over(np.where(answered, bits, 0.0), count)
    data = {"values": plain(mean), "count": count.tolist(), "overall": float(bits[answered].mean()), "unit": unit}
    return Plot("loss_by_position", figures_steps.loss_by_position, data)


def _over(values: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Means of the columns by these counts; NaN where there is none."""
    mean: np.ndarray = np.where(count > 0, values.sum(0) / count.clip(1), np.nan)
    return mean
