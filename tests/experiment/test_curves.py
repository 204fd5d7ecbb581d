from collections.abc import Callable
from typing import Any

import pytest
from sklearn import metrics


def test_threshold_of_the_validation_split_is_judged_on_test(experiment: Callable[..., Any]) -> None:
    told = experiment("curves")
    half, chosen = told.rows
    assert half["threshold"] == 0.5 and 0 < chosen["threshold"] < 1
    assert chosen["recall"] >= 0.9
    assert half["found"] + half["missed"] == chosen["found"] + chosen["missed"] == 43
    rows = [row.split(",") for row in (told.folder / "predictions" / "test.csv").read_text().splitlines()]
    columns = {name: [row[i] for row in rows[1:]] for i, name in enumerate(rows[0])}
    malignant = [target == "malignant" for target in columns["target"]]
    probability = [float(p) for p in columns["probability/malignant"]]
    assert f"area {metrics.roc_auc_score(malignant, probability):.4f}" in told.sentence
    assert f"curve {metrics.average_precision_score(malignant, probability):.4f}" in told.sentence
    said = [p >= chosen["threshold"] - 5e-5 for p in probability]
    assert metrics.precision_score(malignant, said) == pytest.approx(chosen["precision"])
    assert metrics.f1_score(malignant, said) == pytest.approx(chosen["F1"])
    own = {"roc_malignant", "precision_recall_malignant", "calibration_malignant"}
    assert own | {"threshold", "confusion_at_threshold"} <= told.figures()
