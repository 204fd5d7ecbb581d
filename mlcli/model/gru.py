"""Gated recurrent units (Cho et al. 2014, arXiv 1406.1078)."""

from torch import Tensor, nn

from mlcli.model.layers import Count, Probability
from mlcli.model.recurrent import Pooling, cells, pool, width_of


class GRU(nn.Module):
    """`layers` of gated recurrent units over the steps of a sequence, pooled, then a linear head.

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
        pooling: Pooling = "last",
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        _, features = input_shape
        self.cells = cells(
            nn.GRU,
            features,
            hidden_size=hidden_size,
            layers=layers,
            bidirectional=bidirectional,
            dropout=dropout,
        )
        self.pool = pool(pooling, bidirectional, dropout)
        self.head = nn.Linear(width_of(hidden_size, bidirectional), outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """B × T × D → B × outputs."""
        states, _ = self.cells(inputs)
        logits: Tensor = self.head(self.pool(states))
        return logits
