"""What the recurrent networks (rnn, gru, lstm) share: how their layers are built and how steps are pooled."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mlcli.model.layers import dropout_of

Pooling = Literal["last", "mean"]
Cells = TypeVar("Cells", bound=nn.RNNBase)


def recurrent_layers(
    kind: Callable[..., Cells],
    features: int,
    *,
    hidden_size: int,
    layers: int,
    bidirectional: bool,
    dropout: float,
    **options: Any,
) -> Cells:
    """A module of torch.nn, B × T × features → B × T × width; two directions double the width."""
    between_layers = dropout if layers > 1 else 0.0  # torch warns of dropout with a single layer
    return kind(
        features,
        hidden_size,
        layers,
        batch_first=True,
        dropout=between_layers,
        bidirectional=bidirectional,
        **options,
    )


def pool(pooling: Pooling, bidirectional: bool, dropout: float, per_step: bool = False) -> nn.Module:
    """A module B × T × width, and a mask B × T → B × width, then dropout; with `per_step` the steps stay."""
    if pooling not in ("last", "mean"):
        raise ValueError(f"model.pooling={pooling}: no such pooling. Choices: last, mean.")
    steps = EachStep() if per_step else Mean() if pooling == "mean" else Last(bidirectional)
    return Pool(steps, dropout_of(dropout))


def width_of(hidden_size: int, bidirectional: bool) -> int:
    """The size of a step after the recurrent layers."""
    return hidden_size * 2 if bidirectional else hidden_size


def run_layers(layers: nn.RNNBase, inputs: Tensor, mask: Tensor | None) -> Tensor:
    """B × T × features → B × T × width. The backward direction starts at the last step that is not padding."""
    if mask is None or not layers.bidirectional:
        states: Tensor = layers(inputs)[0]  # padding, at the end, cannot change earlier states
        return states
    packed = pack_padded_sequence(inputs, mask.sum(1).clamp(min=1).cpu(), batch_first=True, enforce_sorted=False)
    states, _ = pad_packed_sequence(layers(packed)[0], batch_first=True, total_length=inputs.shape[1])
    return states


class Pool(nn.Module):
    """Reduces the steps to one vector, then applies dropout."""

    def __init__(self, steps: nn.Module, dropout: nn.Module | None) -> None:
        super().__init__()
        self.steps = steps
        self.dropout = dropout

    def forward(self, states: Tensor, mask: Tensor | None = None) -> Tensor:
        """B × T × width, mask B × T → B × width."""
        pooled: Tensor = self.steps(states, mask)
        return pooled if self.dropout is None else self.dropout(pooled)


class EachStep(nn.Module):
    """Keeps all steps."""

    def forward(self, states: Tensor, mask: Tensor | None) -> Tensor:
        """B × T × width → the same."""
        return states


class Mean(nn.Module):
    """The mean over all steps that are not padding."""

    def forward(self, states: Tensor, mask: Tensor | None) -> Tensor:
        """B × T × width → B × width."""
        if mask is None:
            return states.mean(dim=1)
        weights = mask.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1).clamp(min=1)


class Last(nn.Module):
    """The final state: at the last step of the forward direction, and at the first step of the backward direction."""

    def __init__(self, bidirectional: bool) -> None:
        super().__init__()
        self.bidirectional = bidirectional

    def forward(self, states: Tensor, mask: Tensor | None) -> Tensor:
        """B × T × width → B × width."""
        if mask is None:
            last = states[:, -1]
        else:
            at = (mask.sum(1) - 1).clamp(min=0)
            last = states.gather(1, at.view(-1, 1, 1).expand(-1, 1, states.shape[-1])).squeeze(1)
        if not self.bidirectional:
            return last
        hidden_size = states.shape[-1] // 2
        return torch.cat([last[:, :hidden_size], states[:, 0, hidden_size:]], dim=-1)
