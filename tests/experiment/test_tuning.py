from collections.abc import Callable
from typing import Any


def test_combinations_are_ranked_and_the_effects_told(experiment: Callable[..., Any]) -> None:
    told = experiment(
        "tuning", "data=digits", "model=mlp", "model.width=64", "variant=none,dropout", "scheduler=constant,cosine",
        "trainer.batch_size=16,512", "trainer.epochs=3", "hydra.launcher.strategy=serial",
    )  # fmt: skip
    assert len(told.rows) == 8
    assert list(told.rows[0]) == ["regularisation", "batch size", "schedule", "val/accuracy", "test/accuracy"]
    scores = [row["val/accuracy"] for row in told.rows]
    assert scores == sorted(scores, reverse=True)
    small, large = (
        sum(row["val/accuracy"] for row in told.rows if row["batch size"] == size) / 4 for size in (16, 512)
    )
    assert told.rows[0]["batch size"] == 16 and small > large
    assert "What matters most is the batch size" in told.sentence
    assert f"{100 * (small - large):.1f} points" in told.sentence
    assert "parallel_coordinates" in told.figures()
