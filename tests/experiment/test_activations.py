from collections.abc import Callable
from typing import Any


def test_sigmoid_starves_the_first_layers(experiment: Callable[..., Any]) -> None:
    told = experiment("activations", "model.activation=sigmoid,tanh", "trainer.epochs=8", "conclusion.accuracy=0.8")
    sigmoid, tanh = told.rows
    assert sigmoid["first/last gradient"] < 1e-4 < 0.05 < tanh["first/last gradient"]
    assert sigmoid["epochs to accuracy"] is None and 2 <= tanh["epochs to accuracy"] <= 8
    assert tanh["test/accuracy"] > 0.8 > 0.4 > sigmoid["test/accuracy"]
    assert "never: sigmoid" in told.sentence and "Epochs to 80% accuracy: tanh" in told.sentence
    assert {"activations", "gradient_flow"} <= told.figures()
