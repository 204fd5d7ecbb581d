"""Recurrent network without gates (Elman 1990, Finding Structure in Time)."""

from typing import Literal

from torch import Tensor, nn

from mlcli.model.layers import Count, Probability
from mlcli.model.recurrent import Pooling, cells, pool, width_of


class RNN(nn.Module):
    """`layers` of h ← activation(W x + U h + b) over the steps of a sequence, pooled, then a linear head.

    Dropout is between the layers and on the head's inputs.
    """

    accepts: tuple[str, ...] = ("sequence",)

    def __init__(
        self,
        input_shape: tuple[int, ...],
        outputs: int,
        *,
        hidden_size: Count = 128,
        layers: Count = 1,
        bidirectional: bool = False,
        activation: Literal["tanh", "relu"] = "tanh",
        pooling: Pooling = "last",
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        _, features = input_shape
        self.cells = cells(
            nn.RNN,
            features,
            hidden_size=hidden_size,
            layers=layers,
            bidirectional=bidirectional,
            dropout=dropout,
            nonlinearity=activation,
        )
        self.pool = pool(pooling, bidirectional, dropout)
        self.head = nn.Linear(width_of(hidden_size, bidirectional), outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """B × T × D → B × outputs."""
        states, _ = self.cells(inputs)
        logits: Tensor = self.head(self.pool(states))
        return logits
