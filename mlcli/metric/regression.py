"""Metrics and figures of a regression, in the target's own unit. N examples."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlcli.figure import residuals as figures_residuals
from mlcli.figure import worst as figures_worst
from mlcli.figure.plot import Plot, plain
from mlcli.metric.undefined import ONE_EXAMPLE, left_out

POINTS = 2000  # most points of a drawn scatter


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


def plots(targets: np.ndarray, predictions: np.ndarray, target: str) -> list[Plot]:
    """residuals and predicted_against_true; `target` is the name (and unit) of what is predicted."""
    finite = np.isfinite(targets) & np.isfinite(predictions)
    if not finite.any():
        return []
    y, p = targets[finite], predictions[finite]
    shown = np.unique(np.linspace(0, len(y) - 1, min(len(y), POINTS)).round().astype(int))
    metrics = scores(y, p)
    data: dict[str, Any] = {"true": plain(y[shown]), "predicted": plain(p[shown]), "target": target, "total": len(y)}
    bias = float((y.astype(np.float64) - p).mean())
    return [
        Plot("residuals", figures_residuals.residuals, data | {"rmse": metrics["rmse"], "bias": bias}),
        Plot("predicted_against_true", figures_residuals.predicted_against_true, data | {"r2": metrics.get("r2")}),
    ]


def worst(
    targets: np.ndarray, predictions: np.ndarray, inputs: np.ndarray, features: Sequence[str], target: str
) -> Plot:
    """worst_mistakes: the examples with the largest errors. inputs: N × shape as they were loaded."""
    error = np.abs(np.nan_to_num(targets.astype(np.float64) - predictions))
    kind = "image" if inputs.ndim == 4 else "vector"
    chosen = np.argsort(-error, kind="stable")[: figures_worst.most(kind)]
    data = {
        "true": plain(targets[chosen]),
        "predicted": plain(predictions[chosen]),
        "index": chosen.tolist(),
        "target": target,
        "total": len(targets),
    }
    if kind == "image":
        return Plot("worst_mistakes", figures_worst.missed_images, data | figures_worst.pixels(inputs[chosen]))
    table = figures_worst.values(inputs, chosen, features)
    return Plot("worst_mistakes", figures_worst.missed_rows, data | table)
