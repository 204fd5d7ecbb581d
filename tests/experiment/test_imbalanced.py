from collections.abc import Callable
from typing import Any


def test_accuracy_ranks_the_guesser_above_those_who_find_most_fraud(experiment: Callable[..., Any]) -> None:
    told = experiment("imbalanced", "data.examples=10000", "trainer.epochs=8")
    rows = {row["trained"]: row for row in told.rows}
    guesser, plain, weighted = (rows[name] for name in ("always the common class", "plain", "class weights"))
    assert guesser["accuracy"] == 0.985 and guesser["recall"] == guesser["f1"] == 0
    assert guesser["roc_auc"] == 0.5 and guesser["average_precision"] == 0.015
    assert abs(plain["accuracy"] - guesser["accuracy"]) < 0.01
    assert plain["average_precision"] > 0.3 and plain["roc_auc"] > 0.9
    for row in (weighted, rows["balanced sampler"]):
        assert row["recall"] > plain["recall"] and row["accuracy"] < guesser["accuracy"]
    assert told.sentence.startswith("Accuracy misleads") and "98.5%" in told.sentence
