import re
from collections.abc import Callable
from typing import Any


def test_numpy_alone_arrives_where_pytorch_does(experiment: Callable[..., Any]) -> None:
    told = experiment("mlp_from_scratch", "trainer.epochs=4", "trainer.seed=0,1")
    ours, theirs = told.rows
    assert (ours["network"], theirs["network"]) == ("NumPy alone", "PyTorch")
    assert ours["test accuracy"] == theirs["test accuracy"] > 0.9
    weights, gradients = (float(each) for each in re.findall(r"\d\.\de-\d+", told.sentence))
    assert weights < 1e-6 and gradients < 1e-12
    assert "After 136 updates" in told.sentence
    assert "mlp_from_scratch" in told.figures()
