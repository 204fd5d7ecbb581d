"""Linear model: softmax regression for classes, linear regression for numbers."""

from torch import Tensor, nn

from mlcli.traits import ModelTraits


class Linear(nn.Module):
    """One weight per input and output, and one bias per output."""

    traits = ModelTraits(accepts=("vector",))

    def __init__(self, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        (features,) = input_shape
        self.head = nn.Linear(features, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """B × D → B × outputs."""
        logits: Tensor = self.head(inputs)
        return logits
