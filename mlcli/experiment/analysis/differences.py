"""How far two computations of the same numbers are apart."""

import numpy as np
from numpy.typing import ArrayLike


def max_difference(values: ArrayLike, others: ArrayLike) -> float:
    """The largest absolute difference of two arrays or CPU tensors of the same shape."""
    return float(np.abs(np.asarray(values) - np.asarray(others)).max())
