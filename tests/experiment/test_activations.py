from collections.abc import Callable
from typing import Any


def test_gradients_vanish_with_sigmoid(experiment: Callable[..., Any]) -> None:
    conclusion = experiment(
        "activations", "model.activation=sigmoid,tanh", "trainer.epochs=8", "conclusion.accuracy=0.8"
    )
    sigmoid, tanh = conclusion.rows
    assert sigmoid["initial gradient ratio"] < 1e-4 < 0.05 < tanh["initial gradient ratio"]
    assert sigmoid["epochs to accuracy"] is None and 2 <= tanh["epochs to accuracy"] <= 8
    assert tanh["test/accuracy"] > 0.8 > 0.4 > sigmoid["test/accuracy"]
    assert (
        "never reached by sigmoid" in conclusion.sentence
        and "Epochs to 80% validation accuracy: tanh" in conclusion.sentence
    )
    assert {"activations", "gradient_flow"} <= conclusion.figures()
