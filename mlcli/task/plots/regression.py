"""Plots of a regression's results. N examples."""

from collections.abc import Mapping, Sequence

import numpy as np

from mlcli.figure import residuals
from mlcli.figure.largest_errors import SHOWN_FEATURES, mispredicted, most_shown
from mlcli.figure.plot import Plot
from mlcli.metric.largest_errors import distinctive_features, largest_errors
from mlcli.metric.regression import scores


def plots(targets: np.ndarray, predictions: np.ndarray, target: str) -> list[Plot]:
    """residuals and predicted_against_true of N targets and predictions; `target` is their name and unit."""
    finite = np.isfinite(targets) & np.isfinite(predictions)
    if not finite.any():
        return []
    y, p = targets[finite], predictions[finite]
    metrics = scores(y, p)
    bias = float((y.astype(np.float64) - p).mean())
    return [
        residuals.residuals(y, p, target, metrics["rmse"], bias),
        residuals.predicted_against_true(y, p, target, metrics.get("r2")),
    ]


def worst_mistakes(
    targets: np.ndarray,
    predictions: np.ndarray,
    inputs: np.ndarray,
    features: Sequence[str],
    target: str,
    levels: Mapping[int, Sequence[str]] | None = None,
) -> Plot:
    """worst_mistakes: the examples with the largest errors. inputs: N × shape as loaded. levels: names of the codes
    of features that are categories."""
    kind = "image" if inputs.ndim == 4 else "vector"
    chosen = largest_errors(targets, predictions, most_shown(kind))
    common = (targets[chosen], predictions[chosen], chosen, target, len(targets))
    if kind == "image":
        return mispredicted(*common, images=inputs[chosen])
    return mispredicted(*common, table=distinctive_features(inputs, chosen, features, SHOWN_FEATURES, levels))
