"""The recurrent layers of stacks against torch's own, one for each trial: outputs, last states and all gradients."""

import copy
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_sequence

from mlcli.model.gru import GRU
from mlcli.model.lstm import LSTM
from mlcli.model.rnn import RNN
from mlcli.train.stack import recurrent_layer
from mlcli.train.stack.recurrent import make_recurrent_stackable

KINDS: dict[str, Any] = {
    "lstm": (nn.LSTM, {}),
    "gru": (nn.GRU, {}),
    "rnn-tanh": (nn.RNN, {}),
    "rnn-relu": (nn.RNN, {"nonlinearity": "relu"}),
}
WAYS = [*KINDS, "lstm-fused"]
SHAPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "two-layers": {"num_layers": 2},
    "both-directions": {"num_layers": 2, "bidirectional": True},
    "no-bias": {"bias": False, "bidirectional": True},
    "time-first": {"batch_first": False},
}


def kind_of(way: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An LSTM's way depends on its size; here both are tried on a small one."""
    if "lstm" in way:
        monkeypatch.setattr(recurrent_layer, "FUSED", 0 if way == "lstm-fused" else 10**9)
    return KINDS[way.removesuffix("-fused")]


def stacked(models: Sequence[nn.Module]) -> tuple[nn.Module, dict[str, Tensor]]:
    base = copy.deepcopy(models[0])
    make_recurrent_stackable(base)
    named = [dict(model.named_parameters()) for model in models]
    return base, {name: torch.stack([each[name].detach() for each in named]).requires_grad_() for name in named[0]}


def flat(outputs: Any) -> list[Tensor]:
    return [outputs[0], *(outputs[1] if isinstance(outputs[1], tuple) else (outputs[1],))]


def weighted(outputs: Sequence[Tensor], scales: Sequence[Tensor]) -> Tensor:
    return torch.stack([(each * scale).sum() for each, scale in zip(outputs, scales, strict=True)]).sum()


def assert_close(mine: Tensor, theirs: Tensor, tolerance: float) -> None:
    assert (mine - theirs).norm() <= tolerance * theirs.norm()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("way", WAYS)
def test_equals_torchs_layers(
    way: str, shape: str, dtype: torch.dtype, tolerance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    build, options = kind_of(way, monkeypatch)
    torch.manual_seed(0)
    settings = {"batch_first": True} | options | SHAPES[shape]
    layers = [build(5, 7, **settings).to(dtype) for _ in range(3)]
    base, parameters = stacked(layers)
    count = settings.get("num_layers", 1) * (2 if settings.get("bidirectional") else 1)
    inputs = torch.randn(3, 6, 9, 5, dtype=dtype, requires_grad=True)
    batch = 6 if settings["batch_first"] else 9
    pair = [torch.randn(3, count, batch, 7, dtype=dtype, requires_grad=True) for _ in range(2)]

    def run(layer: nn.Module, weights: dict[str, Tensor], x: Tensor, h: Tensor, c: Tensor) -> list[Tensor]:
        return flat(functional_call(layer, weights, (x, (h, c) if build is nn.LSTM else h)))

    got = torch.vmap(lambda w, x, h, c: run(base, w, x, h, c))(parameters, inputs, *pair)
    scales = [torch.randn_like(each) for each in got]
    weighted(got, scales).backward()
    for k, layer in enumerate(layers):
        own = [each.detach()[k].clone().requires_grad_() for each in (inputs, *pair)]
        expected = run(layer, dict(layer.named_parameters()), *own)
        weighted(expected, [scale[k] for scale in scales]).backward()
        for mine, theirs in zip(got, expected, strict=True):
            assert_close(mine[k], theirs, tolerance)
        for mine, theirs in list(zip((inputs, *pair), own, strict=True))[: 3 if build is nn.LSTM else 2]:
            assert_close(mine.grad[k], theirs.grad, tolerance)
        for name, parameter in layer.named_parameters():
            assert_close(parameters[name].grad[k], parameter.grad, tolerance)


@pytest.mark.parametrize("way", KINDS)
def test_gradients_are_those_of_finite_differences(way: str) -> None:
    build, options = KINDS[way]
    torch.manual_seed(0)
    base = build(3, 4, num_layers=2, bidirectional=True, **options).double()
    make_recurrent_stackable(base)
    names = [name for name, _ in base.named_parameters()]
    weights = [torch.randn(2, *p.shape, dtype=torch.float64, requires_grad=True) * 0.5 for p in base.parameters()]
    inputs = torch.randn(2, 3, 2, 3, dtype=torch.float64, requires_grad=True)

    def run(x: Tensor, *own: Tensor) -> Any:
        call = torch.vmap(lambda x, *own: flat(functional_call(base, dict(zip(names, own, strict=True)), (x,))))
        return tuple(call(x, *own))

    assert torch.autograd.gradcheck(run, (inputs, *weights), fast_mode=True)


@pytest.mark.parametrize("way", KINDS)
def test_trials_may_share_inputs_or_be_one_alone(way: str) -> None:
    build, options = KINDS[way]
    torch.manual_seed(0)
    layers = [build(5, 7, batch_first=True, **options) for _ in range(3)]
    base, parameters = stacked(layers)
    inputs = torch.randn(6, 9, 5)
    got, _ = torch.vmap(lambda w: functional_call(base, w, (inputs,)))(parameters)
    assert_close(got, torch.stack([layer(inputs)[0] for layer in layers]), 1e-6)
    alone, _ = base(inputs)
    alone.sum().backward()
    layers[0](inputs)[0].sum().backward()
    assert_close(base.weight_hh_l0.grad, layers[0].weight_hh_l0.grad, 1e-6)


@pytest.mark.parametrize(("batch", "size"), [(32, 24), (7, 5)])
@pytest.mark.parametrize("way", WAYS)
def test_a_row_is_bit_identical_whatever_the_others_are(
    way: str, batch: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks of three trials: they end where other trials' blocks do not."""
    build, options = kind_of(way, monkeypatch)
    monkeypatch.setattr(recurrent_layer, "BLOCK", 3 * 9 * batch * size * 4 * {"l": 4, "g": 3, "r": 1}[way[0]])
    torch.manual_seed(0)
    layers = [build(5, size, batch_first=True, **options) for _ in range(16)]
    inputs = torch.randn(16, batch, 9, 5)
    seen = []
    for count in (2, 8, 16):
        base, parameters = stacked(layers[:count])
        outputs, _ = torch.vmap(lambda w, x, base=base: functional_call(base, w, (x,)))(parameters, inputs[:count])
        outputs[:, :, -1].square().sum().backward()
        seen.append([outputs[1], *(parameter.grad[1] for parameter in parameters.values())])
    for other in seen[1:]:
        assert all(torch.equal(mine, first) for mine, first in zip(other, seen[0], strict=True))


@pytest.mark.parametrize("model", [RNN, GRU, LSTM])
@pytest.mark.parametrize("grad", [True, False])
def test_whole_models_learn_or_judge_alike(model: Any, grad: bool) -> None:
    torch.manual_seed(0)
    models = [model(input_shape=(8, 8), outputs=10, layers=2, bidirectional=True, pooling="mean") for _ in range(4)]
    base, parameters = stacked(models)
    inputs = torch.randn(4, 32, 8, 8)
    with torch.set_grad_enabled(grad):
        logits = torch.vmap(lambda w, x: functional_call(base, w, (x,)))(parameters, inputs)
    assert logits.requires_grad == grad
    assert_close(logits, torch.stack([each(x) for each, x in zip(models, inputs, strict=True)]), 1e-6)


@pytest.mark.parametrize("build", [nn.RNN, nn.GRU, nn.LSTM])
def test_dropout_between_layers_is_the_stacks(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    layer = build(5, 7, num_layers=3, dropout=0.5, batch_first=True)
    seen: list[torch.Size] = []
    monkeypatch.setattr(F, "dropout", lambda tensor, **_: (seen.append(tensor.shape), tensor * 0)[1])
    inputs = torch.randn(6, 9, 5)
    make_recurrent_stackable(layer)
    outputs, _ = layer(inputs)
    assert seen == [(9, 6, 7), (9, 6, 7)]
    assert torch.equal(outputs[0], outputs[1])  # nothing of the inputs came through


def test_what_has_no_stacked_form_says_so() -> None:
    with pytest.raises(ValueError, match="proj_size"):
        make_recurrent_stackable(nn.LSTM(4, 8, proj_size=3))
    layer = nn.GRU(4, 8)
    make_recurrent_stackable(layer)
    with pytest.raises(ValueError, match="padded"):
        layer(pack_sequence([torch.zeros(3, 4), torch.zeros(2, 4)]))
