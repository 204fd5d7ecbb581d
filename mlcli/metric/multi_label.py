"""Metrics of examples with any number of labels, from the labels' probabilities. N examples, C labels.

They equal scikit-learn's with zero_division=0, with which the tests compare them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlcli.metric import formulas
from mlcli.metric.classification import OneVsRest
from mlcli.metric.ranking import rank
from mlcli.metric.undefined import finite, left_out

THRESHOLD = 0.5


def scores(has: np.ndarray, probabilities: np.ndarray, labels: Sequence[str]) -> dict[str, float]:
    """From N × C booleans and probabilities. accuracy is the exact-match ratio: all labels of an example correct.

    roc_auc and average_precision are means over the labels that some examples have and some lack.
    """
    given = probabilities > THRESHOLD
    hits_C, given_C, has_C = (given & has).sum(0), given.sum(0), has.sum(0)
    rows = table(has, probabilities, labels)
    metrics = {
        "accuracy": exact_match(has, probabilities),
        "hamming_loss": float((given != has).mean()),
        "precision_micro": float(formulas.precision(hits_C.sum(), given_C.sum())),
        "recall_micro": float(formulas.recall(hits_C.sum(), has_C.sum())),
        **{name: float(score) for name, score in formulas.label_scores(hits_C, has_C, given_C).items()},
    }
    for name in ("precision", "recall"):
        metrics[f"{name}_macro"] = float(np.mean([row[name] for row in rows]))
    for name in ("roc_auc", "average_precision"):
        known = [row[name] for row in rows if row[name] is not None]
        if known:
            metrics[name] = float(np.mean(known))
        else:
            left_out(name, "no label is there in some examples and missing in others")
    for name in ("precision", "recall", "f1"):
        metrics |= {f"{name}/{row['label']}": row[name] for row in rows}
    return metrics


def exact_match(has: np.ndarray, probabilities: np.ndarray) -> float:
    """The share of the examples with all labels correct (subset accuracy)."""
    return float(formulas.exact_matches(probabilities > THRESHOLD, has).mean())


def table(has: np.ndarray, probabilities: np.ndarray, labels: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each label: how many examples have it, and its scores."""
    given = probabilities > THRESHOLD
    hits_C, given_C, has_C = (given & has).sum(0), given.sum(0), has.sum(0)
    precision_C, recall_C = formulas.precision(hits_C, given_C), formulas.recall(hits_C, has_C)
    f1_C = formulas.f1(hits_C, has_C, given_C)
    ranked = {c: rank(is_c, p) for c, is_c, p in one_vs_rest(has, probabilities)}
    return [
        {
            "label": name,
            "examples": int(has_C[c]),
            "precision": float(precision_C[c]),
            "recall": float(recall_C[c]),
            "f1": float(f1_C[c]),
            "roc_auc": finite(ranked[c].roc_auc) if c in ranked else None,
            "average_precision": finite(ranked[c].average_precision) if c in ranked else None,
        }
        for c, name in enumerate(labels)
    ]


def one_vs_rest(has: np.ndarray, probabilities: np.ndarray) -> list[OneVsRest]:
    columns = [(c, has[:, c], probabilities[:, c].astype(np.float64)) for c in range(has.shape[1])]
    return [(c, is_c, p) for c, is_c, p in columns if is_c.any() and not is_c.all()]
