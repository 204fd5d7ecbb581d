from collections.abc import Callable
from typing import Any

import pytest


def test_the_convolutional_network_is_best_on_the_same_folds(experiment: Callable[..., Any]) -> None:
    told = experiment(
        "cross_validation", "model=cnn,linear", "split.folds=4", "split.fold=range(4)", "trainer.epochs=3"
    )
    assert list(told.rows[0]) == ["", "CNN", "Linear"]
    assert [row[""] for row in told.rows] == [f"fold {i}" for i in range(4)]
    means = {name: sum(row[name] for row in told.rows) / 4 for name in ("CNN", "Linear")}
    assert means["CNN"] > means["Linear"] > 0.9
    difference = 100 * (means["CNN"] - means["Linear"])
    assert f"({difference:.1f} points in the same folds, p " in told.sentence
    assert f"CNN {means['CNN']:.1%} ± " in told.sentence
    assert told.figures() == {"crossval", "folds"}
    assert means["CNN"] == pytest.approx(float(told.sentence.partition("CNN ")[2].partition("%")[0]) / 100, abs=1e-3)
