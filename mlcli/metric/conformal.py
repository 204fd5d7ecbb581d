"""Prediction intervals by the split-conformal method (Lei et al. 2018, "Distribution-Free Predictive Inference for
Regression"). N examples that the model was not trained on."""

from math import ceil

import numpy as np


def margin(targets: np.ndarray, predictions: np.ndarray, coverage: float) -> float | None:
    """Half the width of intervals around predictions that contain a new target with probability `coverage` at least,
    from N targets and predictions; None if N is too small for it.

    It is the ⌈(N + 1) · coverage⌉-th smallest absolute error.
    """
    rank = ceil((len(targets) + 1) * coverage - 1e-9)
    if not 1 <= rank <= len(targets):
        return None
    errors = np.abs(targets.astype(np.float64) - predictions)
    return float(np.partition(errors, rank - 1)[rank - 1])
