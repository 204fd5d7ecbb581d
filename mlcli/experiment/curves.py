"""How well does a binary classifier rank its examples, and which threshold should it use?

Method: ROC and precision-recall curves with their areas (Davis & Goadrich, ICML 2006), calibration, and a threshold
with a required recall on the validation split, evaluated on the test split.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import numpy as np

from mlcli.config.ranges import Range
from mlcli.figure.confusion import confusion_matrix
from mlcli.figure.plot import Plot
from mlcli.figure.threshold import threshold as threshold_plot
from mlcli.metric import threshold
from mlcli.metric.ranking import rank
from mlcli.run.build import Parts
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun
from mlcli.task.plots.classification import plots as classifier_plots

DEFAULT = 0.5  # threshold
COLUMNS = ("threshold", "TP", "FP", "FN", "TN", "precision", "recall", "F1")


def curves(
    runs: Sequence[FinishedRun], positive: str = "malignant", recall: Annotated[float, Range(0, 1)] = 0.98
) -> Conclusion:
    """Areas under the ROC and precision-recall curves, and the confusion matrix at two thresholds, on the test split.

    One threshold is 0.5; the other is the highest with at least this recall of the class `positive` on the validation
    split. A threshold chosen on the test split would give an optimistic estimate.
    """
    parts = runs[0].parts()
    (other,) = (name for name in parts.data.classes if name != positive)
    val, test = (_scores_of(parts, split, positive) for split in ("val", "test"))
    chosen = threshold.threshold_for_recall(*val, recall)
    by_default, by_chosen = (threshold.counts(*test, at) for at in (DEFAULT, chosen))
    rows = [
        (at, each.tp, each.fp, each.fn, each.tn, *each.rates)
        for at, each in ((DEFAULT, by_default), (round(chosen, 4), by_chosen))
    ]
    plots = {plot.name: plot for plot in _plots(*test, (other, positive))}
    ranking = rank(*test)
    sentence = (
        f"Class {positive}: ROC AUC {ranking.roc_auc:.4f}, average precision {ranking.average_precision:.4f}. The "
        f"threshold {chosen:.3f}, the highest with recall {recall:.0%} on the validation split, has {by_chosen.fn} "
        f"FN and {by_chosen.fp} FP on the test split ({test[0].sum()} positives); {DEFAULT:g} has {by_default.fn} FN "
        f"and {by_default.fp} FP. Expected calibration error {plots['calibration'].data['error']:.3f}."
    )
    own = [replace(plots[name], name=f"{name}_{positive}") for name in ("roc", "precision_recall", "calibration")]
    own += [threshold_plot(*threshold.rates_by_threshold(*val), chosen, positive, "validation")]
    counts = np.array([[by_chosen.tn, by_chosen.fp], [by_chosen.fn, by_chosen.tp]])
    own += [confusion_matrix(counts, (other, positive), "confusion_at_threshold")]
    return Conclusion(sentence, COLUMNS, rows, own)


def _scores_of(parts: Parts, split: str, positive: str) -> tuple[np.ndarray, np.ndarray]:
    """Whether each of N examples is positive, and its predicted probability of being so."""
    index = parts.data.splits[split]
    predictions = parts.predict(parts.data.examples.inputs[index])
    is_positive: np.ndarray = parts.data.examples.targets[index].numpy() == parts.data.classes.index(positive)
    return is_positive, predictions[f"probability/{positive}"]


def _plots(is_positive: np.ndarray, probability: np.ndarray, classes: Sequence[str]) -> list[Plot]:
    """The figures of a classifier, with the positive class as the second of two."""
    return classifier_plots(is_positive.astype(int), np.stack([1 - probability, probability], 1), classes)
