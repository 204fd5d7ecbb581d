from collections.abc import Callable
from typing import Any


def test_each_schedule_is_judged_at_its_best_rate(experiment: Callable[..., Any]) -> None:
    told = experiment(
        "cyclical_lr", "data=digits", "variant=cosine,triangular", "optimizer.lr=0.0001,0.03", "trainer.seed=0",
        "trainer.epochs=4", "conclusion.accuracy=0.8",
    )  # fmt: skip
    assert [row["schedule"] for row in told.rows] == ["cosine", "triangular"]
    for row in told.rows:
        assert row["peak rate"] == 0.03 and 1 <= row["epochs to accuracy"] <= 4 and row["test/accuracy"] > 0.8
    assert (
        "Epochs to 80% validation accuracy" in told.sentence and "In the range test the loss falls" in told.sentence
    )
    assert {"cyclical_lr", "lr_range_test"} <= told.figures()
