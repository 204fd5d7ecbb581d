import re
from collections.abc import Callable
from typing import Any


def test_numpy_and_pytorch_end_with_equal_weights(experiment: Callable[..., Any]) -> None:
    conclusion = experiment("mlp_from_scratch", "trainer.epochs=4", "trainer.seed=0,1")
    ours, theirs = conclusion.rows
    assert (ours["network"], theirs["network"]) == ("NumPy", "PyTorch")
    assert ours["test accuracy"] == theirs["test accuracy"] > 0.9
    weights, gradients = (float(each) for each in re.findall(r"\d\.\de-\d+", conclusion.sentence))
    assert weights < 1e-6 and gradients < 1e-12
    assert "After 136 updates" in conclusion.sentence
    assert "mlp_from_scratch" in conclusion.figures()
