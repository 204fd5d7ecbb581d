from collections.abc import Callable
from typing import Any

import pytest


def test_the_convolutional_network_is_best_on_the_same_folds(experiment: Callable[..., Any]) -> None:
    conclusion = experiment(
        "cross_validation", "model=cnn,linear", "split.folds=4", "split.fold=range(4)", "trainer.epochs=3"
    )
    assert list(conclusion.rows[0]) == ["fold", "CNN", "Linear"]
    assert [row["fold"] for row in conclusion.rows] == [0, 1, 2, 3]
    means = {name: sum(row[name] for row in conclusion.rows) / 4 for name in ("CNN", "Linear")}
    assert means["CNN"] > means["Linear"] > 0.9
    difference = 100 * (means["CNN"] - means["Linear"])
    assert f"({difference:.1f} percentage points, p = " in conclusion.sentence
    assert f"CNN {means['CNN']:.1%} ± " in conclusion.sentence
    assert conclusion.figures() == {"crossval", "folds"}
    assert means["CNN"] == pytest.approx(
        float(conclusion.sentence.partition("CNN ")[2].partition("%")[0]) / 100, abs=1e-3
    )
