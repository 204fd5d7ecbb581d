from collections.abc import Callable
from typing import Any

import pytest


def test_large_batches_need_few_updates_and_many_examples(experiment: Callable[..., Any]) -> None:
    conclusion = experiment(
        "batch_regimes",
        "variant=full_batch,mini_batch",
        "optimizer.lr=0.1,0.3",
        "trainer.epochs=40",
        "conclusion.loss=0.5",
    )
    full, mini = conclusion.rows
    assert (full["batch size"], mini["batch size"]) == (1078, 32)
    assert full["updates"] < mini["updates"] and full["examples"] > mini["examples"]
    assert full["examples"] == full["updates"] * 1078
    assert mini["examples"] == pytest.approx(mini["updates"] * 32, rel=0.02)  # an epoch's last batch is smaller
    assert full["seconds"] > 0 and "Fewest updates: full_batch; fewest examples: mini_batch" in conclusion.sentence
    assert "batch_regimes" in conclusion.figures()
