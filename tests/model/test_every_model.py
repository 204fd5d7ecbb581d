"""What holds for every network, whichever conf/model offers."""

import inspect
from importlib import import_module
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
import torch
import yaml
from torch import nn
from torch.func import functional_call, stack_module_state

from mlcli.train.model_protocols import Ensemble

CONF = Path(__file__).parents[2] / "conf" / "model"
OWN = {"minilm"}  # takes the words of a data set, and weights that not everyone has
SHAPES = {"vector": (6,), "table": (6,), "image": (3, 8, 8), "sequence": (5, 3)}
BATCH, OUTPUTS = 4, 3
SMALL = {"ResNet18": {"width": 4}, "ResNet34": {"width": 4}, "ResNet50": {"width": 4}}  # by class, to be quick
SECOND = {("ResNet", "depth"): 14}  # another value of a count, where 2 is none


def load(file):
    """The class that a YAML names, and its settings."""
    config = yaml.safe_load(file.read_text())
    module, _, name = config.pop("_target_").rpartition(".")
    config.pop("defaults", None)
    return getattr(import_module(module), name), config


ALL = sorted(path for path in CONF.glob("*.yaml") if path.stem not in OWN)
FILES = [f for f in ALL if not load(f)[0].traits.trained_by and not hasattr(load(f)[0], "fit")]  # by gradients
every_model = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def build(kind, config, seed=0):
    torch.manual_seed(seed)
    outputs = () if kind.traits.reconstructs else (OUTPUTS,)
    return kind(SHAPES[kind.traits.accepts[0]], *outputs, **config | SMALL.get(kind.__name__, {}))


def inputs_of(kind):
    return torch.randn(BATCH, *SHAPES[kind.traits.accepts[0]], generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("file", ALL, ids=lambda file: file.stem)
def test_yaml_states_every_setting_with_the_default_of_the_class(file):
    kind, config = load(file)
    parameters = [p for p in inspect.signature(kind).parameters.values() if p.kind == p.KEYWORD_ONLY]
    assert config == {p.name: config.get(p.name) if p.default is p.empty else p.default for p in parameters}


@every_model
def test_gives_outputs_for_each_example_and_gradients_to_each_weight(file):
    kind, config = load(file)
    model = build(kind, config)
    logits = model(inputs_of(kind))
    assert logits.shape == (inputs_of(kind).shape if kind.traits.reconstructs else (BATCH, OUTPUTS))
    logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@every_model
def test_the_seed_decides_the_weights(file):
    kind, config = load(file)
    first, same, other = (build(kind, config, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@every_model
def test_every_choice_of_every_setting_builds_and_runs(file):
    kind, config = load(file)
    hints = get_type_hints(kind.__init__)  # of Literal settings the arguments are the choices
    choices = [(name, c) for name in config for c in get_args(hints[name])]
    choices += [(name, True) for name, value in config.items() if value is False]
    choices += [(n, SECOND.get((kind.__name__, n), 2)) for n in ("depth", "layers") if n in config]
    for name, choice in [*choices, *([("dropout", 0.5)] if "dropout" in config else [])]:
        model = build(kind, config | {name: choice})
        assert model(inputs_of(kind)).isfinite().all(), f"{name}={choice}"


@every_model
def test_dropout_acts_in_training_alone_and_renames_no_weight(file):
    kind, config = load(file)
    if "dropout" not in config:
        pytest.skip("has no dropout")
    inputs, plain, model = inputs_of(kind), build(kind, config), build(kind, config | {"dropout": 0.5})
    assert model.state_dict().keys() == plain.state_dict().keys()
    assert not torch.equal(model(inputs), model(inputs))
    model.eval()
    assert torch.equal(model(inputs), model(inputs))


@every_model
def test_stacked_equals_alone(file):
    """torch.vmap over the weights of three networks: outputs as from each alone, gradients too."""
    kind, config = load(file)
    # Batch norm over four numbers, many times over, enlarges rounding: such networks are compared as doubles.
    dtype = torch.float64 if kind.__name__ in SMALL else torch.float32
    config |= {"dropout": 0.0} if "dropout" in config else {}
    models = [build(kind, config, seed).to(dtype) for seed in range(3)]
    if any(isinstance(module, nn.RNNBase) for module in models[0].modules()):
        pytest.skip("torch has no batching rule for its recurrent layers")
    if any(hasattr(module, "random") for module in models[0].modules()):
        pytest.skip("draws numbers, of which only a stack gives each network its own (tests/train/test_stack.py)")
    inputs = inputs_of(kind).to(dtype)
    alone = torch.stack([model(inputs) for model in models])
    alone.square().sum().backward()

    fresh = [build(kind, config, seed).to(dtype) for seed in range(3)]  # batch norm has counted above
    weights, buffers = stack_module_state(fresh)
    stacked = torch.vmap(lambda w, b: functional_call(fresh[0], (w, b), (inputs,)))(weights, buffers)
    stacked.square().sum().backward()

    torch.testing.assert_close(stacked, alone, rtol=1e-5, atol=1e-5)
    for name, stack in weights.items():
        separate = torch.stack([model.get_parameter(name).grad for model in models])
        torch.testing.assert_close(stack.grad, separate, rtol=1e-4, atol=1e-5)


@every_model
def test_head_is_a_linear_layer_that_can_be_exchanged(file):
    kind, config = load(file)
    if kind.traits.reconstructs:
        pytest.skip("has no head")
    model = build(kind, config)
    if isinstance(model, Ensemble):
        members, width, _ = model.head.weight.shape
        model.head = type(model.head)(members, width, 7)
    else:
        assert isinstance(model.head, nn.Linear)
        model.head = nn.Linear(model.head.in_features, 7)
    assert model(inputs_of(kind)).shape == (BATCH, 7)
