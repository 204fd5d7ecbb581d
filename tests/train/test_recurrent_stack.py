"""The recurrent layers of stacks against torch's own, one for each trial: outputs, last states and all gradients."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from mlcli.train import recurrent_stack
from mlcli.train.recurrent_cells import LSTMCells
from mlcli.train.recurrent_stack import stack_recurrent

KINDS: dict[str, Any] = {
    "lstm": (nn.LSTM, {}),
    "gru": (nn.GRU, {}),
    "rnn-tanh": (nn.RNN, {}),
    "rnn-relu": (nn.RNN, {"nonlinearity": "relu"}),
}
SHAPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "two-layers": {"num_layers": 2},
    "both-directions": {"num_layers": 2, "bidirectional": True},
    "no-bias": {"bias": False},
    "time-first": {"batch_first": False},
}


def batched_lstm(monkeypatch: pytest.MonkeyPatch) -> None:
    """The form that a GPU takes: one trial's kernel is the CPU's way alone."""
    monkeypatch.setattr(recurrent_stack, "_one_lstm", lambda mode, *tensors: LSTMCells.apply(mode, *tensors))


def stacked(layers: list[nn.RNNBase]) -> tuple[nn.Module, dict[str, Tensor]]:
    base = copy.deepcopy(layers[0])
    stack_recurrent(base)
    names = [name for name, _ in base.named_parameters()]
    parameters = [dict(layer.named_parameters()) for layer in layers]
    return base, {name: torch.stack([each[name].detach() for each in parameters]).requires_grad_() for name in names}


def flat(outputs: Any) -> list[Tensor]:
    return [outputs[0], *(outputs[1] if isinstance(outputs[1], tuple) else (outputs[1],))]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-6), (torch.float64, 1e-12)])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", [*KINDS, "lstm-batched"])
def test_equals_torchs_layers(
    kind: str, shape: str, dtype: torch.dtype, tolerance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "lstm-batched":
        batched_lstm(monkeypatch)
    build, options = KINDS[kind.removesuffix("-batched")]
    torch.manual_seed(0)
    settings = {"batch_first": True} | options | SHAPES[shape]
    layers = [build(5, 7, **settings).to(dtype) for _ in range(3)]
    base, parameters = stacked(layers)
    count = settings.get("num_layers", 1) * (2 if settings.get("bidirectional") else 1)
    inputs_KBTD = torch.randn(3, 6, 9, 5, dtype=dtype, requires_grad=True)
    batch = 6 if settings["batch_first"] else 9
    hidden, memory = (torch.randn(3, count, batch, 7, dtype=dtype, requires_grad=True) for _ in range(2))

    def given(h: Tensor, c: Tensor) -> Any:
        return (h, c) if build is nn.LSTM else h

    def one(weights: dict[str, Tensor], x: Tensor, h: Tensor, c: Tensor) -> Any:
        return functional_call(base, weights, (x, given(h, c)))

    got = flat(torch.vmap(one)(parameters, inputs_KBTD, hidden, memory))
    scales = [torch.randn_like(tensor) for tensor in got]
    sum((tensor * scale).sum() for tensor, scale in zip(got, scales, strict=True)).backward()
    for k, layer in enumerate(layers):
        x, h, c = (each.detach()[k].clone().requires_grad_() for each in (inputs_KBTD, hidden, memory))
        expected = flat(layer(x, given(h, c)))
        sum((tensor * scale[k]).sum() for tensor, scale in zip(expected, scales, strict=True)).backward()
        pairs = [(mine[k], theirs) for mine, theirs in zip(got, expected, strict=True)]
        pairs += [(inputs_KBTD.grad[k], x.grad), (hidden.grad[k], h.grad)]
        pairs += [(parameters[name].grad[k], parameter.grad) for name, parameter in layer.named_parameters()]
        for mine, theirs in pairs:
            assert (mine - theirs).abs().max() <= tolerance * theirs.abs().max().clamp(min=1)


@pytest.mark.parametrize("kind", [*KINDS, "lstm-batched"])
def test_a_row_is_bit_identical_whatever_the_others_are(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if kind == "lstm-batched":
        batched_lstm(monkeypatch)
    build, options = KINDS[kind.removesuffix("-batched")]
    torch.manual_seed(0)
    layers = [build(5, 24, batch_first=True, **options) for _ in range(16)]
    inputs = torch.randn(16, 32, 9, 5)
    seen = []
    for size in (2, 8, 16):
        base, parameters = stacked(layers[:size])
        outputs, _ = torch.vmap(lambda w, x, base=base: functional_call(base, w, (x,)))(parameters, inputs[:size])
        outputs[:, :, -1].square().sum().backward()
        seen.append([outputs[1], *(parameter.grad[1] for parameter in parameters.values())])
    for other in seen[1:]:
        assert all(torch.equal(mine, first) for mine, first in zip(other, seen[0], strict=True))


def test_what_has_no_stacked_form_says_so() -> None:
    with pytest.raises(ValueError, match="proj_size"):
        stack_recurrent(nn.LSTM(4, 8, proj_size=3))
