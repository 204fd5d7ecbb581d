"""Metrics and figures of a classifier, from its probabilities. N examples, C classes.

The counts of the confusion matrix and one sorting per class give all of them. They equal scikit-learn's, to which the
tests hold them; scikit-learn itself would take longer to score a trial of a sweep than the trial took to train.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from mlcli.figure import calibration as figures_calibration
from mlcli.figure import confusion as figures_confusion
from mlcli.figure import ranking as figures_ranking
from mlcli.figure import text as figures_text
from mlcli.figure import worst as figures_worst
from mlcli.figure.plot import Plot, plain
from mlcli.metric.ranking import rank
from mlcli.metric.undefined import left_out

BINS = 10
ONE_CLASS = "all examples are of one class"  # a reason
POINTS = 200  # most points of a drawn curve

# A class, whether each example is of it, and its probability; with examples on both sides.
Against = tuple[int, np.ndarray, np.ndarray]


def scores(targets: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
    """Metrics of N class indices and N × C probabilities, equal to scikit-learn's with zero_division=0.

    What is not defined (the recall of a class without examples, an area with one class only) is left out.
    With two classes roc_auc and average_precision are those of class 1, else means of each class against the rest.
    """
    confusion_CC = _confusion(targets, probabilities)
    metrics = {"accuracy": float(np.trace(confusion_CC) / len(targets))}
    metrics |= _by_class(confusion_CC, classes)
    metrics["matthews"] = _matthews(confusion_CC.astype(np.float64))
    if np.isfinite(probabilities).all():
        metrics |= _of_probabilities(targets, _normalised(probabilities))
    return metrics


def _confusion(targets: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """C × C counts: targets down, predictions across."""
    count = probabilities.shape[1]
    cells = np.bincount(targets * count + probabilities.argmax(1), minlength=count * count)
    return cells.reshape(count, count)


def _matthews(confusion_CC: np.ndarray) -> float:
    """The correlation of targets and predictions (Gorodkin 2004); 0 where either is constant."""
    support_C, predicted_C, total = confusion_CC.sum(1), confusion_CC.sum(0), confusion_CC.sum()
    covariance = np.trace(confusion_CC) * total - support_C @ predicted_C
    spread = (total**2 - support_C @ support_C) * (total**2 - predicted_C @ predicted_C)
    return float(covariance / np.sqrt(spread)) if spread else 0.0


def _by_class(confusion_CC: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
    hits_C, support_C, predicted_C = np.diag(confusion_CC), confusion_CC.sum(1), confusion_CC.sum(0)
    precision_C, recall_C = hits_C / predicted_C.clip(1), hits_C / support_C.clip(1)
    f1_C = 2 * hits_C / (support_C + predicted_C).clip(1)
    seen_C = support_C + predicted_C > 0
    metrics = {
        "balanced_accuracy": float(recall_C[support_C > 0].mean()),
        "precision_macro": float(precision_C[seen_C].mean()),
        "recall_macro": float(recall_C[seen_C].mean()),
        "f1_macro": float(f1_C[seen_C].mean()),
    }
    for i, name in enumerate(classes):
        if seen_C[i]:
            metrics |= {f"precision/{name}": float(precision_C[i]), f"f1/{name}": float(f1_C[i])}
        if support_C[i]:
            metrics[f"recall/{name}"] = float(recall_C[i])
        else:
            left_out(f"recall/{name}", "there is no example of the class")
    return metrics


def _of_probabilities(targets: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    of_targets = probabilities[np.arange(len(targets)), targets]
    metrics = {"log_loss": float(-np.log(of_targets.clip(np.finfo(np.float64).eps)).mean())}
    each = [rank(is_c, p) for _, is_c, p in _one_against_rest(targets, probabilities)]
    if not each:
        left_out("roc_auc", ONE_CLASS)
        left_out("average_precision", ONE_CLASS)
        return metrics
    metrics["roc_auc"] = float(np.mean([ranking.roc_auc for ranking in each]))
    metrics["average_precision"] = float(np.mean([ranking.average_precision for ranking in each]))
    return metrics


def _one_against_rest(targets: np.ndarray, probabilities: np.ndarray) -> list[Against]:
    count = probabilities.shape[1]
    each = [(c, targets == c, probabilities[:, c]) for c in ([1] if count == 2 else range(count))]
    return [(c, is_c, p) for c, is_c, p in each if is_c.any() and not is_c.all()]


def _normalised(probabilities: np.ndarray) -> np.ndarray:
    """In float64 with rows that sum to 1 exactly."""
    precise = probabilities.astype(np.float64)
    normalised: np.ndarray = precise / precise.sum(1, keepdims=True)
    return normalised


def plots(targets: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> list[Plot]:
    """confusion_matrix, confusion_matrix_normalised, roc, precision_recall, calibration: those that are defined."""
    confusion = {"counts": _confusion(targets, probabilities).tolist(), "classes": list(classes)}
    made = [
        Plot("confusion_matrix", figures_confusion.counts, confusion),
        Plot("confusion_matrix_normalised", figures_confusion.normalised, confusion),
    ]
    if not np.isfinite(probabilities).all():
        return made
    each = _one_against_rest(targets, probabilities)
    if each:
        made += [roc(each, classes), precision_recall(each, classes)]
    return [*made, _calibration(targets, probabilities, classes)]


def roc(each: list[Against], classes: Sequence[str]) -> Plot:
    """ROC curves of some classes, each against the rest."""
    rankings = [(classes[c], rank(is_c, p)) for c, is_c, p in each]
    curves = [_curve(name, *ranking.roc, ranking.roc_auc, len(each)) for name, ranking in rankings]
    return Plot("roc", figures_ranking.roc, {"curves": curves})


def precision_recall(each: list[Against], classes: Sequence[str]) -> Plot:
    """Precision by recall of some classes, each against the rest."""
    curves = []
    for c, is_c, p in each:
        ranking = rank(is_c, p)
        curve = _curve(classes[c], *ranking.precision_recall, ranking.average_precision, len(each))
        curves.append(curve | {"share": float(is_c.mean())})
    return Plot("precision_recall", figures_ranking.precision_recall, {"curves": curves})


def _curve(name: str, x: np.ndarray, y: np.ndarray, area: float, count: int) -> dict[str, Any]:
    """Thinned to points that lie evenly along the curve, which nobody sees and which keeps the files small."""
    most = max(POINTS * 10 // max(count, 10), 30)
    if len(x) > most:
        along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
        keep = np.unique(np.searchsorted(along, np.linspace(0, along[-1], most)).clip(max=len(x) - 1))
        x, y = x[keep], y[keep]
    return {"name": name, "area": float(area), "x": plain(x.round(5)), "y": plain(y.round(5))}


def _calibration(targets: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> Plot:
    """Ten bins of equal width; of the probability of class 1 if there are two classes, else of the highest."""
    binary = len(classes) == 2
    confidence = probabilities[:, 1] if binary else probabilities.max(1)
    right = targets == 1 if binary else targets == probabilities.argmax(1)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1).clip(min=0)
    count = np.bincount(bins, minlength=BINS)
    used = count > 0
    mean = np.bincount(bins, confidence, minlength=BINS)[used] / count[used]
    share = np.bincount(bins, right, minlength=BINS)[used] / count[used]
    data = {
        "of": classes[1] if binary else None,
        "bins": BINS,
        "bin": np.flatnonzero(used).tolist(),
        "count": count[used].tolist(),
        "confidence": plain(mean),
        "observed": plain(share),
        "error": float(np.sum(count[used] * np.abs(mean - share)) / len(targets)),
    }
    return Plot("calibration", figures_calibration.calibration, data)


def worst(
    targets: np.ndarray,
    probabilities: np.ndarray,
    classes: Sequence[str],
    inputs: np.ndarray,
    kind: str,
    features: Sequence[str],
    text_of: Callable[[Iterable[int]], str] = str,
) -> Plot:
    """worst_mistakes: the wrong examples that the model was surest of, or its least sure ones if none is wrong.

    inputs: N × shape as they were loaded. Images are shown, tokens as the text they are, of other kinds a table.
    """
    certainty = np.nan_to_num(probabilities.max(1))
    wrong = probabilities.argmax(1) != targets
    any_wrong = bool(wrong.any())
    order = np.argsort(-certainty if any_wrong else certainty, kind="stable")
    chosen = (order[wrong[order]] if any_wrong else order)[: figures_worst.most(kind)]
    data = {
        "true": [classes[t] for t in targets[chosen]],
        "predicted": [classes[p] for p in probabilities[chosen].argmax(1)],
        "probability": plain(certainty[chosen].astype(np.float64)),
        "index": chosen.tolist(),
        "wrong": int(wrong.sum()),
        "total": len(targets),
    }
    if kind == "image":
        return Plot("worst_mistakes", figures_worst.mistaken_images, data | figures_worst.pixels(inputs[chosen]))
    if kind == "tokens":
        texts = {"texts": [text_of(inputs[i].tolist()) for i in chosen]}
        return Plot("worst_mistakes", figures_text.mistaken_texts, data | texts)
    table = figures_worst.values(inputs, chosen, features)
    return Plot("worst_mistakes", figures_worst.mistaken_rows, data | table)
