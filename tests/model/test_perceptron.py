"""Rosenblatt's rule by autograd, and what one layer can and cannot part."""

import pytest
import torch
from torch.nn import functional as F

from mlcli.model.perceptron import Perceptron
from mlcli.run.build import build
from tests.configs import run_config


def test_an_update_is_rosenblatts_rule() -> None:
    torch.manual_seed(0)
    model, rate = Perceptron((4,), 3), 0.5
    optimizer = torch.optim.SGD(model.parameters(), rate)
    inputs, targets = torch.randn(40, 4), torch.randint(3, (40,))
    weights, biases = model.head.weight.detach().clone(), model.head.bias.detach().clone()
    for x, y in zip(inputs, targets, strict=True):
        fired = (weights @ x + biases).argmax()
        if fired != y:
            weights[y] += rate * x
            biases[y] += rate
            weights[fired] -= rate * x
            biases[fired] -= rate
        optimizer.zero_grad()
        F.cross_entropy(model(x[None]), y[None]).backward()
        optimizer.step()
    torch.testing.assert_close(model.head.weight, weights, atol=1e-5, rtol=0)
    torch.testing.assert_close(model.head.bias, biases, atol=1e-5, rtol=0)


def test_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="model=linear"):
        Perceptron((4,), 1)


def accuracy(*overrides: str, epochs: int = 20) -> float:
    """Accuracy on the training split after a number of epochs of Rosenblatt's rule."""
    rule = ["model=perceptron", "optimizer=sgd", "optimizer.lr=1", "trainer.batch_size=1", "device=cpu"]
    parts = build(run_config(*rule, *overrides, "data.examples=300"))
    for epoch in range(epochs):
        for batch in parts.task.batches(epoch):
            parts.task.step(batch)
    return float(parts.task.evaluate("train").metrics["accuracy"])


def test_parts_what_a_line_parts_and_nothing_else() -> None:
    assert accuracy("data=blobs", "data.noise=0.5") == 1.0
    assert accuracy("data=xor") <= 0.8
    assert accuracy("data=spirals") <= 0.8
