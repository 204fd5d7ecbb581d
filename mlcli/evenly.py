"""Which of many examples a plot shows."""

import numpy as np


def evenly_spaced(count: int, most: int) -> np.ndarray:
    """At most `most` indices, evenly spaced over range(count), first and last included."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))
