"""Metrics of a classifier, from its probabilities. N examples, C classes.

The counts of the confusion matrix and one sort per class give all of them. The tests compare them
with scikit-learn's, whose functions take too long for the short trials of a sweep.
"""

from collections.abc import Sequence

import numpy as np

from mlcli.metric import formulas
from mlcli.metric.ranking import rank
from mlcli.metric.undefined import left_out

ONE_CLASS = "all examples are of one class"  # a reason

# A class, whether each example belongs to it, and its probability; with examples on both sides.
OneVsRest = tuple[int, np.ndarray, np.ndarray]


def scores(
    targets: np.ndarray, probabilities: np.ndarray, classes: Sequence[str], predicted: np.ndarray | None = None
) -> dict[str, float]:
    """Metrics of N class indices and N × C probabilities, equal to scikit-learn's with zero_division=0.

    predicted: the predicted classes N, by default the most probable ones.

    Undefined metrics (the recall of a class without examples, an area with one class only) are left out.
    With two classes roc_auc and average_precision are those of class 1, else means of each class against the rest.
    """
    predicted = probabilities.argmax(1) if predicted is None else predicted
    confusion_CC = confusion_matrix(targets, predicted, len(classes))
    metrics = _by_class(confusion_CC, classes)
    metrics["matthews_corrcoef"] = _matthews_corrcoef(confusion_CC.astype(np.float64))
    if np.isfinite(probabilities).all():
        metrics |= _of_probabilities(targets, _normalised(probabilities))
    return metrics


def confusion_matrix(targets: np.ndarray, predicted: np.ndarray, count: int) -> np.ndarray:
    """count × count numbers of examples, from N class indices each: targets down, predictions across."""
    cells = np.bincount(targets * count + predicted, minlength=count * count)
    return cells.reshape(count, count)


def _matthews_corrcoef(confusion_CC: np.ndarray) -> float:
    """The correlation of targets and predictions (Gorodkin 2004); 0 where either is constant."""
    support_C, predicted_C, total = confusion_CC.sum(1), confusion_CC.sum(0), confusion_CC.sum()
    covariance = np.trace(confusion_CC) * total - support_C @ predicted_C
    spread = (total**2 - support_C @ support_C) * (total**2 - predicted_C @ predicted_C)
    return float(covariance / np.sqrt(spread)) if spread else 0.0


def _by_class(confusion_CC: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
    hits_C, support_C, predicted_C = np.diag(confusion_CC), confusion_CC.sum(1), confusion_CC.sum(0)
    precision_C, recall_C = formulas.precision(hits_C, predicted_C), formulas.recall(hits_C, support_C)
    f1_C, seen_C = formulas.f1(hits_C, support_C, predicted_C), support_C + predicted_C > 0
    metrics = {name: float(score) for name, score in formulas.class_scores(hits_C, support_C, predicted_C).items()}
    metrics["precision_macro"] = float(precision_C[seen_C].mean())
    metrics["recall_macro"] = float(recall_C[seen_C].mean())
    for i, name in enumerate(classes):
        if seen_C[i]:
            metrics |= {f"precision/{name}": float(precision_C[i]), f"f1/{name}": float(f1_C[i])}
        if support_C[i]:
            metrics[f"recall/{name}"] = float(recall_C[i])
        else:
            left_out(f"recall/{name}", "there is no example of the class")
    return metrics


def _of_probabilities(targets: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    metrics = {"log_loss": float(log_losses(targets, probabilities).mean())}
    each = [rank(is_c, p) for _, is_c, p in one_vs_rest(targets, probabilities)]
    if not each:
        left_out("roc_auc", ONE_CLASS)
        left_out("average_precision", ONE_CLASS)
        return metrics
    metrics["roc_auc"] = float(np.mean([ranking.roc_auc for ranking in each]))
    metrics["average_precision"] = float(np.mean([ranking.average_precision for ranking in each]))
    return metrics


def log_losses(targets: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The negative logarithm of the probability of each target, N; probabilities are at least 2.2e-16."""
    of_targets = probabilities[np.arange(len(targets)), targets].astype(np.float64)
    losses: np.ndarray = -np.log(of_targets.clip(np.finfo(np.float64).eps))
    return losses


def one_vs_rest(targets: np.ndarray, probabilities: np.ndarray) -> list[OneVsRest]:
    count = probabilities.shape[1]
    each = [(c, targets == c, probabilities[:, c]) for c in ([1] if count == 2 else range(count))]
    return [(c, is_c, p) for c, is_c, p in each if is_c.any() and not is_c.all()]


def _normalised(probabilities: np.ndarray) -> np.ndarray:
    """In float64 with rows that sum to 1 exactly."""
    precise = probabilities.astype(np.float64)
    normalised: np.ndarray = precise / precise.sum(1, keepdims=True)
    return normalised
