"""Plots of a classifier's results. N examples, C classes."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from mlcli.figure import calibration, confusion, ranking
from mlcli.figure.largest_errors import SHOWN_FEATURES, misclassified, most_shown
from mlcli.figure.plot import Plot
from mlcli.figure.text import misclassified_texts
from mlcli.metric.calibration import BINS, reliability
from mlcli.metric.classification import OneVsRest, confusion_matrix, one_vs_rest
from mlcli.metric.largest_errors import confidence, distinctive_features, most_confident_errors
from mlcli.metric.ranking import rank


def plots(
    targets: np.ndarray, probabilities: np.ndarray, classes: Sequence[str], predicted: np.ndarray | None = None
) -> list[Plot]:
    """confusion_matrix, confusion_matrix_normalised, roc, precision_recall and calibration, as far as defined.

    predicted: the predicted classes N, by default the most probable ones.
    """
    predicted = probabilities.argmax(1) if predicted is None else predicted
    counts = confusion_matrix(targets, predicted, len(classes))
    made = [confusion.confusion_matrix(counts, classes), confusion.confusion_matrix_normalised(counts, classes)]
    if not np.isfinite(probabilities).all():
        return made
    each = one_vs_rest(targets, probabilities)
    if each:
        made += [roc(each, classes), precision_recall(each, classes)]
    found = reliability(targets, probabilities)
    of = classes[1] if len(classes) == 2 else None
    bins = (found.bin, found.count, found.confidence, found.observed)
    return [*made, calibration.calibration(of, BINS, *bins, found.error)]


def roc(each: Sequence[OneVsRest], classes: Sequence[str]) -> Plot:
    """ROC curves of some classes, each against the rest."""
    ranked = {classes[c]: rank(is_c, p) for c, is_c, p in each}
    return ranking.roc({name: (*own.roc, own.roc_auc) for name, own in ranked.items()})


def precision_recall(each: Sequence[OneVsRest], classes: Sequence[str]) -> Plot:
    """Precision-recall curves of some classes, each against the rest."""
    ranked = {classes[c]: rank(is_c, p) for c, is_c, p in each}
    curves = {name: (*own.precision_recall, own.average_precision) for name, own in ranked.items()}
    return ranking.precision_recall(curves, {classes[c]: float(is_c.mean()) for c, is_c, _ in each})


def worst_mistakes(
    targets: np.ndarray,
    probabilities: np.ndarray,
    classes: Sequence[str],
    inputs: np.ndarray,
    kind: str,
    features: Sequence[str],
    decode: Callable[[Iterable[int]], str] = str,
    predicted: np.ndarray | None = None,
    levels: Mapping[int, Sequence[str]] | None = None,
) -> Plot:
    """worst_mistakes: the misclassified examples with the highest confidence, or, if there are none, the correctly
    classified ones with the lowest.

    inputs: N × shape as loaded. Images are shown as images, tokens as text, all else as a table. predicted: as for
    `plots`. levels: names of the codes of features that are categories.
    """
    predicted = probabilities.argmax(1) if predicted is None else predicted
    chosen = most_confident_errors(targets, predicted, probabilities, most_shown(kind))
    common = (
        [classes[target] for target in targets[chosen]],
        [classes[prediction] for prediction in predicted[chosen]],
        confidence(predicted, probabilities)[chosen],
        chosen,
        int((predicted != targets).sum()),
        len(targets),
    )
    if kind == "image":
        return misclassified(*common, images=inputs[chosen])
    if kind == "tokens":
        return misclassified_texts(*common, [decode(inputs[i].tolist()) for i in chosen])
    return misclassified(*common, table=distinctive_features(inputs, chosen, features, SHOWN_FEATURES, levels))
