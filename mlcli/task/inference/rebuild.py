"""Reconstructions in units of the data. B examples, D latent dimensions."""

from torch import Tensor, nn

from mlcli.loading.adapter import Adapter
from mlcli.train.model_protocols import Encodes, Regularised


class Rebuild(nn.Module):
    """Normalised inputs → `reconstruction` B × the shape of an example, in units of the data; `error` B, the mean
    squared difference from the inputs in these units; of a model with a latent space, the codes `latent` B × D.

    adapter: of the inputs. shape, mean, std: of an example, before and by its normalisation.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, network: nn.Module, adapter: Adapter, shape: tuple[int, ...], mean: Tensor, std: Tensor
    ) -> None:
        super().__init__()
        self.network, self.adapter, self.shape = network, adapter, shape
        self.register_buffer("mean", mean.clone())
        self.register_buffer("std", std.clone())

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        outputs, _ = forward(self.network, inputs)
        rebuilt = self.in_units(outputs)
        difference = (rebuilt - self.in_units(inputs)).flatten(1)
        predictions = {"reconstruction": rebuilt, "error": difference.square().mean(1)}
        if isinstance(self.network, Encodes):
            predictions["latent"] = self.network.encode(inputs).flatten(1).float()
        return predictions

    def in_units(self, values: Tensor) -> Tensor:
        """Normalised, B × the shape of the model's inputs → in units of the data, B × the shape of an example."""
        return self.adapter.undo(values.float(), self.shape) * self.std + self.mean


def forward(network: nn.Module, inputs: Tensor) -> tuple[Tensor, Tensor | None]:
    """B × shape → the same, and the regulariser of each example, B, where the network has one."""
    if isinstance(network, Regularised):
        outputs, divergence = network.with_divergence(inputs)
        return outputs, divergence
    outputs = network(inputs)
    return outputs if outputs.shape == inputs.shape else outputs.reshape(inputs.shape), None
