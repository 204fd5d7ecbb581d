"""The usual form of a task's inference: a network, and a head."""

from torch import Tensor, nn


class OfOutputs(nn.Module):
    """Predictions that follow from the outputs of a network. head: outputs → tensors by name, with B rows each."""

    def __init__(self, network: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.network, self.head = network, head

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        """B × what the network accepts → tensors by name."""
        predictions: dict[str, Tensor] = self.head(self.network(inputs))
        return predictions
