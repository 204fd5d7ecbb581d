from collections.abc import Callable
from typing import Any


def test_each_schedule_is_compared_at_its_best_peak_learning_rate(experiment: Callable[..., Any]) -> None:
    conclusion = experiment(
        "cyclical_lr", "data=digits", "variant=cosine,triangular", "optimizer.lr=0.0001,0.03", "trainer.seed=0",
        "trainer.epochs=4", "conclusion.accuracy=0.8",
    )  # fmt: skip
    assert [row["schedule"] for row in conclusion.rows] == ["cosine", "triangular"]
    for row in conclusion.rows:
        assert (
            row["peak learning rate"] == 0.03 and 1 <= row["epochs to accuracy"] <= 4 and row["test/accuracy"] > 0.8
        )
    assert (
        "Epochs to 80% validation accuracy" in conclusion.sentence
        and "In the range test the loss starts to fall" in conclusion.sentence
    )
    assert {"cyclical_lr", "lr_range_test"} <= conclusion.figures()
