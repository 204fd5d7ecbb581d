from collections.abc import Callable
from typing import Any


def test_combinations_are_ranked_with_the_effect_of_each_key(experiment: Callable[..., Any]) -> None:
    conclusion = experiment(
        "tuning", "data=digits", "model=mlp", "model.width=64", "variant=none,dropout", "scheduler=constant,cosine",
        "trainer.batch_size=16,512", "trainer.epochs=3", "hydra.launcher.strategy=serial",
    )  # fmt: skip
    assert len(conclusion.rows) == 8
    assert list(conclusion.rows[0]) == ["regularisation", "batch size", "schedule", "val/accuracy", "test/accuracy"]
    scores = [row["val/accuracy"] for row in conclusion.rows]
    assert scores == sorted(scores, reverse=True)
    small, large = (
        sum(row["val/accuracy"] for row in conclusion.rows if row["batch size"] == size) / 4 for size in (16, 512)
    )
    assert conclusion.rows[0]["batch size"] == 16 and small > large
    assert "The batch size has the largest effect" in conclusion.sentence
    assert f"{100 * (small - large):.1f} percentage points" in conclusion.sentence
    assert "parallel_coordinates" in conclusion.figures()
