from collections.abc import Callable
from typing import Any


def test_the_majority_class_baseline_has_higher_accuracy_than_models_with_higher_recall(
    experiment: Callable[..., Any],
) -> None:
    conclusion = experiment("imbalanced", "data.examples=10000", "trainer.epochs=8")
    rows = {row["correction"]: row for row in conclusion.rows}
    baseline, plain, weighted = (rows[name] for name in ("majority-class baseline", "no correction", "class weights"))
    assert baseline["accuracy"] == 0.985 and baseline["recall"] == baseline["f1"] == 0
    assert baseline["roc_auc"] == 0.5 and baseline["average_precision"] == 0.015
    assert abs(plain["accuracy"] - baseline["accuracy"]) < 0.01
    assert plain["average_precision"] > 0.3 and plain["roc_auc"] > 0.9
    for row in (weighted, rows["balanced sampler"]):
        assert row["recall"] > plain["recall"] and row["accuracy"] < baseline["accuracy"]
    assert conclusion.sentence.startswith("Accuracy is misleading") and "98.5%" in conclusion.sentence
