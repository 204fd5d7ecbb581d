from collections.abc import Callable
from typing import Any


def test_adam_arrives_before_plain_gradient_descent(experiment: Callable[..., Any]) -> None:
    told = experiment(
        "momentum_vs_adam", "optimizer=sgd,adam", "optimizer.lr=0.01,0.3", "conclusion.loss=0.5", "trainer.epochs=40"
    )
    rows = {row["optimizer"]: row for row in told.rows}
    assert (rows["sgd"]["best rate"], rows["adam"]["best rate"]) == (0.3, 0.01)
    assert 1 < rows["adam"]["epochs to loss"] < rows["sgd"]["epochs to loss"] <= 40
    assert "adam is first; sgd needs" in told.sentence
    assert "momentum_vs_adam" in told.figures()


def test_a_loss_that_nobody_reaches_is_said_to_be_so(experiment: Callable[..., Any]) -> None:
    told = experiment("momentum_vs_adam", "optimizer=sgd,adam", "optimizer.lr=0.01", "trainer.epochs=1")
    assert told.sentence.startswith("No optimizer brings the training loss down to 0.1")
