"""A binary classifier by its curves, and the threshold from which on it says yes."""

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


def curves(
    runs: Sequence[FinishedRun], positive: str = "malignant", recall: Annotated[float, Range(0, 1)] = 0.98
) -> Conclusion:
    """Areas under the ROC and precision-recall curves on test, and what two thresholds make of the test split.

    One threshold is 0.5; the other is chosen on the validation split: the highest that finds at least the share
    `recall` of the class `positive` there. Choosing it on the test split would be choosing what is then reported.
    """
    parts = runs[0].parts()
    (other,) = (name for name in parts.data.classes if name != positive)
    val, test = (_of(parts, split, positive) for split in ("val", "test"))
    chosen = threshold.threshold_for_recall(*val, recall)
    by_half, by_chosen = (threshold.counts(*test, at) for at in (0.5, chosen))
    rows = [
        (at, each.tp, each.fp, each.fn, each.tn, *each.rates)
        for at, each in ((0.5, by_half), (round(chosen, 4), by_chosen))
    ]
    plots = {plot.name: plot for plot in _plots(*test, (other, positive))}
    ranking = rank(*test)
    sentence = (
        f"For {positive} the ROC curve has the area {ranking.roc_auc:.4f}, the precision-recall curve "
        f"{ranking.average_precision:.4f}. Threshold {chosen:.3f}, the highest that finds {recall:.0%} of {positive} "
        f"on the validation split, misses {by_chosen.fn} of {test[0].sum()} on the test split, with {by_chosen.fp} "
        f"false alarm{'s' if by_chosen.fp != 1 else ''}; 0.5 misses {by_half.fn}, with {by_half.fp}. Probabilities "
        "are off by "
        f"{plots['calibration'].data['error']:.3f} on average (expected calibration error)."
    )
    columns = ("threshold", "found", "false alarms", "missed", "rightly cleared", "precision", "recall", "F1")
    own = [replace(plots[name], name=f"{name}_{positive}") for name in ("roc", "precision_recall", "calibration")]
    own += [threshold_plot(*threshold.rates_by_threshold(*val), chosen, positive, "validation")]
    counts = np.array([[by_chosen.tn, by_chosen.fp], [by_chosen.fn, by_chosen.tp]])
    own += [confusion_matrix(counts, (other, positive), "confusion_at_threshold")]
    return Conclusion(sentence, columns, rows, own)


def _of(parts: Parts, split: str, positive: str) -> tuple[np.ndarray, np.ndarray]:
    """Whether each of N examples is positive, and its probability of being so."""
    index = parts.data.splits[split]
    answers = parts.task.predict(parts.data.examples.inputs[index])
    is_positive: np.ndarray = parts.data.examples.targets[index].numpy() == parts.data.classes.index(positive)
    return is_positive, answers[f"probability/{positive}"]


def _plots(is_positive: np.ndarray, probability: np.ndarray, classes: Sequence[str]) -> list[Plot]:
    """The figures of a classifier, with the positive class as the second of two."""
    return classifier_plots(is_positive.astype(int), np.stack([1 - probability, probability], 1), classes)
