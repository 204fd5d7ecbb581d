"""Metrics of a regression, in the target's own unit. N examples."""

import numpy as np

from mlcli.metric import formulas
from mlcli.metric.undefined import ONE_EXAMPLE, left_out


def scores(targets: np.ndarray, predictions: np.ndarray) -> dict[str, float]:
    """mse, rmse, mae and, of two or more examples, r2 and explained_variance; empty if a value is not finite."""
    y, p = targets.astype(np.float64), predictions.astype(np.float64)
    if not (np.isfinite(y).all() and np.isfinite(p).all()):
        return {}
    metrics = {name: float(value) for name, value in formulas.regression_errors(y, p).items()}
    if len(y) < 2:
        left_out("r2", ONE_EXAMPLE)
        left_out("explained_variance", ONE_EXAMPLE)
        return metrics
    variance = y.var()
    metrics["r2"] = float(formulas.r2(metrics["mse"], variance))
    return metrics | {"explained_variance": float(formulas.r2((y - p).var(), variance))}
