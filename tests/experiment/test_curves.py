from collections.abc import Callable
from typing import Any

import pytest
from sklearn import metrics


def test_the_threshold_chosen_on_validation_is_evaluated_on_test(experiment: Callable[..., Any]) -> None:
    conclusion = experiment("curves")
    half, chosen = conclusion.rows
    assert half["threshold"] == 0.5 and 0 < chosen["threshold"] < 1
    assert chosen["recall"] >= 0.9
    assert half["TP"] + half["FN"] == chosen["TP"] + chosen["FN"] == 43
    rows = [row.split(",") for row in (conclusion.folder / "predictions" / "test.csv").read_text().splitlines()]
    columns = {name: [row[i] for row in rows[1:]] for i, name in enumerate(rows[0])}
    malignant = [target == "malignant" for target in columns["target"]]
    probability = [float(p) for p in columns["probability/malignant"]]
    assert f"ROC AUC {metrics.roc_auc_score(malignant, probability):.4f}" in conclusion.sentence
    assert f"average precision {metrics.average_precision_score(malignant, probability):.4f}" in conclusion.sentence
    predicted = [p >= chosen["threshold"] - 5e-5 for p in probability]
    assert metrics.precision_score(malignant, predicted) == pytest.approx(chosen["precision"])
    assert metrics.f1_score(malignant, predicted) == pytest.approx(chosen["F1"])
    own = {"roc_malignant", "precision_recall_malignant", "calibration_malignant"}
    assert own | {"threshold", "confusion_at_threshold"} <= conclusion.figures()
