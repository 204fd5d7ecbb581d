import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mlcli.model.scratch.mlp import Layer, loss_and_gradients, predict, sgd_step, start

RANDOM = np.random.default_rng(0)
INPUTS, TARGETS = RANDOM.normal(size=(20, 6)), RANDOM.integers(0, 3, 20)


def torchs(layers: list[Layer]) -> nn.Sequential:
    modules = [nn.Linear(*layer.weight.shape[::-1]) for layer in layers]
    network = nn.Sequential(*(part for module in modules for part in (module, nn.ReLU())))[:-1].double()
    with torch.no_grad():
        for parameter, weight in zip(network.parameters(), flat(layers), strict=True):
            parameter.copy_(torch.from_numpy(weight))
    return network


def flat(layers: list[Layer]) -> list[np.ndarray]:
    return [weight for layer in layers for weight in layer]


@pytest.mark.parametrize("sizes", [(6, 8, 3), (6, 8, 7, 5, 3)])
def test_gradients_and_ten_steps_of_sgd_equal_torchs(sizes: tuple[int, ...]) -> None:
    layers = start(sizes, np.random.default_rng(1))
    network = torchs(layers)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.3)
    for _ in range(10):
        loss, gradients = loss_and_gradients(layers, INPUTS, TARGETS)
        optimizer.zero_grad()
        expected = F.cross_entropy(network(torch.from_numpy(INPUTS)), torch.from_numpy(TARGETS))
        expected.backward()
        assert loss == pytest.approx(expected.item(), abs=1e-12)
        for own, parameter in zip(flat(gradients), network.parameters(), strict=True):
            np.testing.assert_allclose(own, parameter.grad.numpy(), atol=1e-12)
        layers = sgd_step(layers, gradients, 0.3)
        optimizer.step()
    for own, parameter in zip(flat(layers), network.parameters(), strict=True):
        np.testing.assert_allclose(own, parameter.detach().numpy(), atol=1e-12)


def test_learns_what_it_has_seen():
    layers = start((6, 32, 3), np.random.default_rng(1))
    for _ in range(500):
        layers = sgd_step(layers, loss_and_gradients(layers, INPUTS, TARGETS)[1], 0.3)
    assert (predict(layers, INPUTS) == TARGETS).all()
