"""The examples that a model gets most wrong. N examples, C classes, D features."""

from collections.abc import Mapping, Sequence

import numpy as np


def most_confident_errors(
    targets: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray, most: int
) -> np.ndarray:
    """Indices of the misclassified examples with the highest probability of the predicted class, highest first; if
    none is misclassified, of the examples with the lowest. From N class indices each, and N × C probabilities."""
    certainty = confidence(predicted, probabilities)
    wrong = predicted != targets
    if not wrong.any():
        return np.argsort(certainty, kind="stable")[:most]
    order = np.argsort(-certainty, kind="stable")
    chosen: np.ndarray = order[wrong[order]][:most]
    return chosen


def confidence(predicted: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The probability of each predicted class, from N class indices and N × C probabilities; 0 for NaN."""
    own: np.ndarray = np.nan_to_num(np.take_along_axis(probabilities, predicted[:, None], 1)[:, 0])
    return own


def largest_errors(targets: np.ndarray, predictions: np.ndarray, most: int) -> np.ndarray:
    """Indices of the largest absolute errors, largest first. From N targets and N predictions."""
    error = np.abs(np.nan_to_num(targets.astype(np.float64) - predictions))
    return np.argsort(-error, kind="stable")[:most]


def distinctive_features(
    inputs: np.ndarray,
    chosen: np.ndarray,
    features: Sequence[str],
    most: int,
    levels: Mapping[int, Sequence[str]] | None = None,
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """The features in which the chosen rows of N × D inputs deviate most from the mean: their names, values and
    z-scores (rows × features). Empty for inputs of another shape, or without names.

    levels: of features that are codes, the names of codes from 1 on. Their values are names, or "" for code 0; they
    have a z-score of 0, and count as distinctive if their level is rare. A missing number stays NaN and has 0 too.
    """
    if inputs.ndim != 2 or len(features) != inputs.shape[1]:
        return [], np.empty((len(chosen), 0)), np.empty((len(chosen), 0))
    precise = np.ma.masked_invalid(inputs.astype(np.float64))
    spread = precise.std(0).filled(0.0)
    z = ((precise[chosen] - precise.mean(0)) / np.where(spread > 0, spread, 1)).filled(0.0)
    distance = np.abs(z)
    values = inputs[chosen].astype(np.float64).astype(object)
    for place, names in (levels or {}).items():
        codes = inputs[:, place].astype(np.int64)
        share = np.bincount(codes)[codes[chosen]] / len(codes)
        distance[:, place], z[:, place] = np.sqrt((1 - share) / share), 0.0
        values[:, place] = ["" if code == 0 else names[code - 1] for code in codes[chosen]]
    columns = np.sort(np.argsort(-distance.mean(0), kind="stable")[:most])
    shown = values[:, columns]
    return [features[i] for i in columns], shown if levels else shown.astype(np.float64), z[:, columns]
