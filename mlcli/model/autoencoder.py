"""Autoencoder of fully connected layers (Rumelhart, Hinton & Williams 1986; deep: Hinton & Salakhutdinov 2006)."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

from torch import Tensor, nn

from mlcli.config.ranges import Range
from mlcli.model.layers import ActivationName, Count, NormName, activation_of, named, norm_of_vectors
from mlcli.traits import ModelTraits


class Autoencoder(nn.Module):
    """An encoder from D features to a latent vector of `code` dimensions, and a decoder back to D features.

    The encoder has `depth` hidden layers, each half as wide as the one before; the decoder mirrors it. The latent
    vector and the outputs are linear. With depth 0 both parts are one linear layer, and at the optimum they span the
    space of the leading principal components (Baldi & Hornik 1989).
    """

    traits = ModelTraits(accepts=("vector",), reconstructs=True)

    def __init__(
        self,
        input_shape: tuple[int, ...],
        *,
        code: Count = 8,
        width: Count = 128,
        depth: Annotated[int, Range(0)] = 2,
        activation: ActivationName = "relu",
        norm: NormName = "none",
    ) -> None:
        super().__init__()
        (features,) = input_shape
        sizes = [features, *halved(width, depth)]
        self.encoder = named(hidden=hidden(sizes, activation, norm), code=nn.Linear(sizes[-1], code))
        sizes = [code, *sizes[:0:-1]]
        self.decoder = named(hidden=hidden(sizes, activation, norm), outputs=nn.Linear(sizes[-1], features))

    def encode(self, inputs: Tensor) -> Tensor:
        """B × D → B × code."""
        code: Tensor = self.encoder(inputs)
        return code

    def decode(self, code: Tensor) -> Tensor:
        """B × code → B × D."""
        outputs: Tensor = self.decoder(code)
        return outputs

    def forward(self, inputs: Tensor) -> Tensor:
        """B × D → B × D."""
        return self.decode(self.encode(inputs))


def halved(width: int, depth: int) -> list[int]:
    """`depth` widths, each half of the one before. Raises ValueError where the last would be 0."""
    if width >> max(depth - 1, 0) == 0:
        raise ValueError(
            f"model.width={width} cannot be halved {depth - 1} times: use model.width={2 ** (depth - 1)} or more, "
            f"or model.depth={width.bit_length()} or less."
        )
    return [width >> i for i in range(depth)]


def hidden(sizes: Sequence[int], activation: ActivationName, norm: NormName) -> nn.Sequential:
    """Layers from each size to the next, each linear → norm → activation."""
    bias = norm != "batch_norm"  # which subtracts the mean, and any bias with it
    return nn.Sequential(
        *(
            named(
                linear=nn.Linear(before, after, bias=bias),
                norm=norm_of_vectors(norm, after),
                activation=activation_of(activation),
            )
            for before, after in pairwise(sizes)
        )
    )
