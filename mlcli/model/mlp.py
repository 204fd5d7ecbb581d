"""Multi-layer perceptron: fully connected hidden layers of equal width."""

from torch import Tensor, nn

from mlcli.model.layers import (
    ActivationName,
    Count,
    NormName,
    Probability,
    activation_of,
    dropout_of,
    named,
    norm_of_vectors,
)
from mlcli.traits import ModelTraits


class MLP(nn.Module):
    """`depth` hidden layers of `width` units, each linear → norm → activation → dropout, then a linear head."""

    traits = ModelTraits(accepts=("vector",))

    def __init__(
        self,
        input_shape: tuple[int, ...],
        outputs: int,
        *,
        width: Count = 128,
        depth: Count = 2,
        activation: ActivationName = "relu",
        norm: NormName = "layer_norm",
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        (features,) = input_shape
        bias = norm != "batch_norm"  # which subtracts the mean, and any bias with it
        self.hidden = nn.Sequential(
            *(
                named(
                    linear=nn.Linear(features if i == 0 else width, width, bias=bias),
                    norm=norm_of_vectors(norm, width),
                    activation=activation_of(activation),
                    dropout=dropout_of(dropout),
                )
                for i in range(depth)
            )
        )
        self.head = nn.Linear(width, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """B × D → B × outputs."""
        logits: Tensor = self.head(self.hidden(inputs))
        return logits
