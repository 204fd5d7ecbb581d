"""Plots of a multi-label classifier's results. N examples, C labels."""

from collections.abc import Sequence

import numpy as np

from mlcli.figure.labels import labels as labels_table
from mlcli.figure.plot import Plot
from mlcli.metric.multi_label import exact_match, one_vs_rest, table
from mlcli.task.plots.classification import precision_recall, roc


def plots(has: np.ndarray, probabilities: np.ndarray, labels: Sequence[str]) -> list[Plot]:
    """labels (a table), roc and precision_recall, as far as defined, from N × C booleans and probabilities."""
    rows = table(has, probabilities, labels)
    made = [labels_table(rows, len(has), exact_match(has, probabilities))]
    each = one_vs_rest(has, probabilities)
    if each and np.isfinite(probabilities).all():
        made += [roc(each, labels), precision_recall(each, labels)]
    return made
