"""A padded example is answered as it would be alone, without its padding."""

import pytest
import torch
from torch import nn

from mlcli.model.cnn1d import CNN1d
from mlcli.model.gpt import GPT
from mlcli.model.gru import GRU
from mlcli.model.lstm import LSTM
from mlcli.model.rnn import RNN

LENGTHS = (7, 4, 1, 6)
TOKENS = torch.zeros(4, 7, dtype=torch.int64)
NUMBERS = torch.full((4, 7, 3), torch.nan)
for row, length in enumerate(LENGTHS):
    draw = torch.Generator().manual_seed(row)
    TOKENS[row, :length] = torch.randint(1, 9, (length,), generator=draw)
    NUMBERS[row, :length] = torch.randn(length, 3, generator=draw)

KINDS = [RNN, GRU, LSTM, GPT]


def build(kind: type[nn.Module], inputs: torch.Tensor, **settings: object) -> nn.Module:
    torch.manual_seed(0)
    vocabulary = None if inputs.is_floating_point() else 9
    small = {"width": 8} if kind is GPT else {"hidden_size": 5}
    return kind(tuple(inputs.shape[1:]), 3, vocabulary=vocabulary, padded=True, layers=2, **small, **settings).eval()


@pytest.mark.parametrize("inputs", [TOKENS, NUMBERS], ids=["tokens", "sequence"])
@pytest.mark.parametrize("pooling", ["last", "mean"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_one_answer(kind: type[nn.Module], bidirectional: bool, pooling: str, inputs: torch.Tensor) -> None:
    model = build(kind, inputs, bidirectional=bidirectional, pooling=pooling)
    together = model(inputs)
    for i, length in enumerate(LENGTHS):
        torch.testing.assert_close(together[i], model(inputs[i : i + 1, :length])[0])


@pytest.mark.parametrize("inputs", [TOKENS, NUMBERS], ids=["tokens", "sequence"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_for_each_step(kind: type[nn.Module], bidirectional: bool, inputs: torch.Tensor) -> None:
    settings = {} if kind is GPT else {"bidirectional": bidirectional}
    model = build(kind, inputs, per_step=True, **settings)
    together = model(inputs)
    assert together.shape == (4, 7, 3)
    for i, length in enumerate(LENGTHS):
        torch.testing.assert_close(together[i, :length], model(inputs[i : i + 1, :length])[0])


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", [GRU, LSTM])
def test_is_what_torchs_layers_give_each_sequence_alone(kind: type[nn.Module], bidirectional: bool) -> None:
    model = build(kind, TOKENS, bidirectional=bidirectional)
    together = model(TOKENS)
    for i, length in enumerate(LENGTHS):
        _, final = model.cells(model.steps.embedding(TOKENS[i : i + 1, :length]))
        final = final[0] if kind is LSTM else final
        state = torch.cat([final[-2], final[-1]], dim=1) if bidirectional else final[-1]
        torch.testing.assert_close(together[i], model.head(state)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_padding_has_no_gradient(kind: type[nn.Module]) -> None:
    model = build(kind, TOKENS)
    model(TOKENS).square().sum().backward()
    steps = model.placed.steps if kind is GPT else model.steps
    assert (steps.embedding.weight.grad[0] == 0).all()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize("kind", [GRU, CNN1d])
def test_a_missing_first_feature_does_not_hide_a_step(kind: type[nn.Module]) -> None:
    """Such examples are refused before they reach a network; one that slips through must not be answered."""
    model = kind((7, 3), 3, padded=True).eval()
    inputs = NUMBERS.clone()
    inputs[0, 3, 0] = torch.nan
    outputs = model(inputs)
    assert outputs[0].isnan().all()
    assert outputs[1:].isfinite().all()
