"""What the recurrent networks (rnn, gru, lstm) share: how their layers are built and how steps are pooled."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn

from mlcli.model.layers import dropout_of, named

Pooling = Literal["last", "mean"]
Cells = TypeVar("Cells", bound=nn.RNNBase)


def cells(
    kind: Callable[..., Cells],
    features: int,
    *,
    hidden_size: int,
    layers: int,
    bidirectional: bool,
    dropout: float,
    **options: Any,
) -> Cells:
    """torch's recurrent layers: B × T × features → B × T × width, where two directions double the width."""
    between_layers = dropout if layers > 1 else 0.0  # torch warns of a dropout that has nowhere to go
    return kind(
        features,
        hidden_size,
        layers,
        batch_first=True,
        dropout=between_layers,
        bidirectional=bidirectional,
        **options,
    )


def pool(pooling: Pooling, bidirectional: bool, dropout: float) -> nn.Sequential:
    """B × T × width → B × width, then dropout."""
    if pooling not in ("last", "mean"):
        raise ValueError(f"model.pooling={pooling}: no such pooling. Choices: last, mean.")
    return named(steps=Mean() if pooling == "mean" else Last(bidirectional), dropout=dropout_of(dropout))


def width_of(hidden_size: int, bidirectional: bool) -> int:
    """How many numbers the layers give per step."""
    return hidden_size * 2 if bidirectional else hidden_size


class Mean(nn.Module):
    """The mean over all steps."""

    def forward(self, states: Tensor) -> Tensor:
        """B × T × width → B × width."""
        return states.mean(dim=1)


class Last(nn.Module):
    """The state that has read everything: of the last step forwards, of the first step backwards."""

    def __init__(self, bidirectional: bool) -> None:
        super().__init__()
        self.bidirectional = bidirectional

    def forward(self, states: Tensor) -> Tensor:
        """B × T × width → B × width."""
        if not self.bidirectional:
            return states[:, -1]
        hidden_size = states.shape[-1] // 2
        return torch.cat([states[:, -1, :hidden_size], states[:, 0, hidden_size:]], dim=-1)
