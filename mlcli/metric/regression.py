"""Metrics of a regression, in the target's own unit. N examples."""

import numpy as np

from mlcli.metric.undefined import ONE_EXAMPLE, left_out


def scores(targets: np.ndarray, predictions: np.ndarray) -> dict[str, float]:
    """mse, rmse, mae and, of two or more examples, r2 and explained_variance; nothing if a value is not finite."""
    y, p = targets.astype(np.float64), predictions.astype(np.float64)
    if not (np.isfinite(y).all() and np.isfinite(p).all()):
        return {}
    error = y - p
    mse = float(np.mean(error**2))
    metrics = {"mse": mse, "rmse": mse**0.5, "mae": float(np.abs(error).mean())}
    if len(y) < 2:
        left_out("r2", ONE_EXAMPLE)
        left_out("explained_variance", ONE_EXAMPLE)
        return metrics
    variance = float(y.var())
    return metrics | {"r2": _explained(mse, variance), "explained_variance": _explained(float(error.var()), variance)}


def _explained(rest: float, variance: float) -> float:
    """The share of the variance that is not left; of targets that are all the same, scikit-learn's 1 or 0."""
    if variance == 0:
        return 1.0 if rest == 0 else 0.0
    return 1 - rest / variance
