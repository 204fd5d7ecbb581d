import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mlcli.model.scratch.mlp import Weights, loss_and_gradients, predict, sgd_step, start

RANDOM = np.random.default_rng(0)
INPUTS, TARGETS = RANDOM.normal(size=(20, 6)), RANDOM.integers(0, 3, 20)


def torchs(weights: Weights) -> nn.Sequential:
    network = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)).double()
    with torch.no_grad():
        for parameter, weight in zip(network.parameters(), weights, strict=True):
            parameter.copy_(torch.from_numpy(weight))
    return network


def test_gradients_and_ten_steps_of_sgd_equal_torchs():
    weights = start(6, 8, 3, np.random.default_rng(1))
    network = torchs(weights)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.3)
    for _ in range(10):
        loss, gradients = loss_and_gradients(weights, INPUTS, TARGETS)
        optimizer.zero_grad()
        expected = F.cross_entropy(network(torch.from_numpy(INPUTS)), torch.from_numpy(TARGETS))
        expected.backward()
        assert loss == pytest.approx(expected.item(), abs=1e-12)
        for own, parameter in zip(gradients, network.parameters(), strict=True):
            np.testing.assert_allclose(own, parameter.grad.numpy(), atol=1e-12)
        weights = sgd_step(weights, gradients, 0.3)
        optimizer.step()
    for own, parameter in zip(weights, network.parameters(), strict=True):
        np.testing.assert_allclose(own, parameter.detach().numpy(), atol=1e-12)


def test_learns_what_it_has_seen():
    weights = start(6, 32, 3, np.random.default_rng(1))
    for _ in range(500):
        weights = sgd_step(weights, loss_and_gradients(weights, INPUTS, TARGETS)[1], 0.3)
    assert (predict(weights, INPUTS) == TARGETS).all()
