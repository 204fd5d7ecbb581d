"""Every YAML of conf/optimizer builds its optimizer as it stands, and the optimizer learns."""

import inspect
from importlib import import_module
from pathlib import Path

import pytest
import torch
import yaml

CONF = Path(__file__).parents[2] / "conf" / "optimizer"
FILES = sorted(CONF.glob("*.yaml"))


def load(file):
    """The class that a YAML names, and its arguments."""
    config = yaml.safe_load(file.read_text())
    module, _, name = config.pop("_target_").rpartition(".")
    return getattr(import_module(module), name), config


def test_the_six_are_there():
    assert {"sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"} <= {file.stem for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_lowers_a_quadratic(file):
    kind, config = load(file)
    weights = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    optimizer = kind([weights], **config)
    losses = []
    for _ in range(20):
        loss = (weights**2).sum()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[1] < losses[0]
    assert losses[-1] < 0.99 * losses[0]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_keys_are_arguments_and_numbers_are_numbers(file):
    kind, config = load(file)
    assert set(config) <= set(inspect.signature(kind).parameters)
    assert not any(isinstance(value, str) for value in config.values()), "YAML reads 1e-8 as text: write 1.0e-8"
    assert {"lr", "weight_decay"} <= set(config)


@pytest.mark.parametrize(("name", "nesterov"), [("momentum", False), ("nesterov", True)])
def test_momentum_and_nesterov_take_two_known_steps(name, nesterov):
    kind, config = load(CONF / f"{name}.yaml")
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = kind([weight], **config)
    for _ in range(2):
        weight.grad = torch.ones(1)
        optimizer.step()
    velocities = [1.0, 1.9]  # v ← 0.9 v + gradient
    steps = [1 + 0.9 * v for v in velocities] if nesterov else velocities
    assert weight.item() == pytest.approx(-config["lr"] * sum(steps), rel=1e-6)
