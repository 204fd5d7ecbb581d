from collections.abc import Callable
from typing import Any


def test_adam_is_faster_than_plain_gradient_descent(experiment: Callable[..., Any]) -> None:
    conclusion = experiment(
        "momentum_vs_adam", "optimizer=sgd,adam", "optimizer.lr=0.01,0.3", "conclusion.loss=0.5", "trainer.epochs=40"
    )
    rows = {row["optimizer"]: row for row in conclusion.rows}
    assert (rows["sgd"]["best learning rate"], rows["adam"]["best learning rate"]) == (0.3, 0.01)
    assert 1 < rows["adam"]["epochs to loss"] < rows["sgd"]["epochs to loss"] <= 40
    assert "adam is the fastest; sgd needs" in conclusion.sentence
    assert "momentum_vs_adam" in conclusion.figures()


def test_a_loss_that_no_optimizer_reaches(experiment: Callable[..., Any]) -> None:
    conclusion = experiment("momentum_vs_adam", "optimizer=sgd,adam", "optimizer.lr=0.01", "trainer.epochs=1")
    assert conclusion.sentence.startswith("No optimizer reaches a training loss of 0.1")
