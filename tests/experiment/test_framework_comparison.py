from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest


@pytest.mark.filterwarnings("ignore")
def test_installed_frameworks_agree(experiment: Callable[..., Any]) -> None:
    conclusion = experiment("framework_comparison", "trainer.epochs=3", "trainer.seed=0", "model.depth=2")
    names = [row["framework"] for row in conclusion.rows]
    assert names == ["PyTorch", "NumPy", *(["Keras"] if find_spec("tensorflow") else [])]
    accuracies = [row["test accuracy"] for row in conclusion.rows]
    assert min(accuracies) > 0.85 and max(accuracies) - min(accuracies) < 0.01
    assert all(
        row["lines: total"] == row["lines: network"] + row["lines: loss and update"] > 5 for row in conclusion.rows
    )
    assert (
        next(row["lines: total"] for row in conclusion.rows if row["framework"] == "NumPy")
        > conclusion.rows[0]["lines: total"]
    )
    assert "framework_comparison" in conclusion.figures()
    if find_spec("tensorflow") is None:
        assert (
            "Keras is missing: " in conclusion.sentence and "run pip install keras tensorflow" in conclusion.sentence
        )
