from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest


@pytest.mark.filterwarnings("ignore")
def test_frameworks_that_are_here_agree(experiment: Callable[..., Any]) -> None:
    told = experiment("framework_comparison", "trainer.epochs=3", "trainer.seed=0", "model.depth=2")
    names = [row["framework"] for row in told.rows]
    assert names == ["PyTorch", "NumPy", *(["Keras"] if find_spec("tensorflow") else [])]
    accuracies = [row["test accuracy"] for row in told.rows]
    assert min(accuracies) > 0.85 and max(accuracies) - min(accuracies) < 0.01
    assert all(row["all"] == row["lines of network"] + row["of loss and update"] > 5 for row in told.rows)
    assert next(row["all"] for row in told.rows if row["framework"] == "NumPy") > told.rows[0]["all"]
    assert "framework_comparison" in told.figures()
    if find_spec("tensorflow") is None:
        assert "Without Keras" in told.sentence and "run pip install 'mlcli[tensorflow]'" in told.sentence
