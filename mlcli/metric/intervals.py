"""95 % confidence intervals of the metrics of a split, of N examples that are independent of each other.

They describe the uncertainty of a metric because the split is a sample. They do not contain the variation between
training runs.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from mlcli.metric import formulas
from mlcli.metric.normal import wilson

Interval = tuple[float, float]

RESAMPLES = 1000
AT_ONCE = 10_000_000  # drawn examples in memory
SEED = 0


def share(hits_N: np.ndarray) -> Interval:
    """Wilson's interval of the share of true values."""
    low, high = wilson(float(hits_N.mean()), float(len(hits_N)))
    return max(low, 0.0), min(high, 1.0)  # beyond them by rounding only


def classification(targets_N: np.ndarray, predictions_N: np.ndarray, losses_N: np.ndarray) -> dict[str, Interval]:
    """Wilson's interval of the accuracy; percentile bootstrap intervals of balanced_accuracy, f1_macro and log_loss.

    Targets and predictions are class indices; losses_N: the logarithmic loss of each example.
    """
    classes_NC = np.eye(1 + max(targets_N.max(), predictions_N.max()), dtype=bool)
    is_target_NC, is_prediction_NC = classes_NC[targets_N], classes_NC[predictions_N]
    columns = np.hstack([is_target_NC & is_prediction_NC, is_target_NC, is_prediction_NC, losses_N[:, None]])
    *counts, log_loss_R = np.split(_resampled_sums(columns), np.arange(1, 4) * classes_NC.shape[1], axis=1)
    hits_RC, support_RC, predicted_RC = counts
    recall_RC, f1_RC = formulas.recall(hits_RC, support_RC), formulas.f1(hits_RC, support_RC, predicted_RC)
    return {
        "accuracy": share(targets_N == predictions_N),
        "balanced_accuracy": _middle(recall_RC.sum(1) / (support_RC > 0).sum(1)),
        "f1_macro": _middle(f1_RC.sum(1) / (support_RC + predicted_RC > 0).sum(1)),
        "log_loss": _middle(log_loss_R / len(targets_N)),
    }


def regression(targets_N: np.ndarray, predictions_N: np.ndarray) -> dict[str, Interval]:
    """Percentile bootstrap intervals of mse, rmse, mae and, of two or more examples, r2."""
    error = predictions_N - targets_N
    centred = targets_N - targets_N.mean()
    sums = _resampled_sums(np.stack([error**2, abs(error), centred, centred**2], 1))
    mse_R, mae_R, mean_R, square_R = sums.T / len(error)
    found = {"mse": _middle(mse_R), "rmse": _middle(mse_R**0.5), "mae": _middle(mae_R)}
    return found | ({"r2": _middle(formulas.r2(mse_R, square_R - mean_R**2))} if len(error) > 1 else {})


def means(values: dict[str, np.ndarray], weights_N: np.ndarray | None = None) -> dict[str, Interval]:
    """Percentile bootstrap intervals of means over N examples, by name; weighted means if there are weights."""
    if not values:
        return {}
    columns_NM = np.stack(list(values.values()), 1).astype(np.float64)
    if weights_N is None:
        means_RM = _resampled_sums(columns_NM) / len(columns_NM)
    else:
        sums = _resampled_sums(np.column_stack([columns_NM * weights_N[:, None], weights_N]))
        means_RM = sums[:, :-1] / sums[:, -1:].clip(min=np.finfo(np.float64).tiny)
    return {name: _middle(mean_R) for name, mean_R in zip(values, means_RM.T, strict=True)}


def _middle(values_R: np.ndarray) -> Interval:
    """The middle 95 %."""
    low, high = np.percentile(values_R, (2.5, 97.5))
    return float(low), float(high)


def _resampled_sums(values_NM: np.ndarray) -> np.ndarray:
    """The sums of M columns in each of R resamples of the N rows, R × M."""
    values = values_NM.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.concatenate([counts_RN @ values for counts_RN in _all_counts(len(values))])


def _all_counts(count: int) -> Iterator[np.ndarray]:
    """How often each of `count` examples is in each resample, R × N, in parts that fit into memory."""
    if RESAMPLES * count <= AT_ONCE:
        yield _counts(count)
        return
    rng, at_once = np.random.default_rng(SEED), max(1, AT_ONCE // count)
    for start in range(0, RESAMPLES, at_once):
        yield _draw(rng, count, min(at_once, RESAMPLES - start))


@lru_cache(maxsize=1)
def _counts(count: int) -> np.ndarray:
    """Cached, because the trials of a sweep have splits of equal size."""
    return _draw(np.random.default_rng(SEED), count, RESAMPLES)


def _draw(rng: np.random.Generator, count: int, resamples: int) -> np.ndarray:
    drawn = rng.integers(count, size=(resamples, count)) + count * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * count).reshape(resamples, count).astype(np.float64)
