"""Gated recurrent units (Cho et al. 2014, arXiv 1406.1078)."""

from torch import Tensor, nn

from mlcli.model.layers import Count, Probability
from mlcli.model.recurrent import Pooling, pool, recurrent_layers, run_layers, width_of
from mlcli.model.steps import Steps
from mlcli.traits import ModelTraits


class GRU(nn.Module):
    """`layers` of gated recurrent units over the steps of a sequence, pooling, then a linear head.

    Dropout is between the layers and on the inputs of the head. Tokens are embedded first; padding is masked.
    """

    traits = ModelTraits(accepts=("sequence", "tokens"))

    def __init__(
        self,
        input_shape: tuple[int, ...],
        outputs: int,
        vocabulary: int | None = None,
        padded: bool = False,
        per_step: bool = False,
        *,
        hidden_size: Count = 128,
        layers: Count = 1,
        bidirectional: bool = False,
        pooling: Pooling = "last",
        dropout: Probability = 0.0,
        embedding: Count = 64,
    ) -> None:
        super().__init__()
        self.steps = Steps(input_shape, vocabulary, padded, embedding)
        self.cells = recurrent_layers(
            nn.GRU,
            self.steps.features,
            hidden_size=hidden_size,
            layers=layers,
            bidirectional=bidirectional,
            dropout=dropout,
        )
        self.pool = pool(pooling, bidirectional, dropout, per_step)
        self.head = nn.Linear(width_of(hidden_size, bidirectional), outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """B × T × D, or tokens B × T → B × outputs; with `per_step` B × T × outputs."""
        features, mask = self.steps(inputs)
        logits: Tensor = self.head(self.pool(run_layers(self.cells, features, mask), mask))
        return logits
