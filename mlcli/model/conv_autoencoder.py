"""Convolutional autoencoder for images (Masci et al. 2011), with a latent vector."""

from itertools import pairwise
from math import prod

from torch import Tensor, nn

from mlcli.model.layers import ActivationName, Count, NormName, activation_of, named, norm_of_images
from mlcli.traits import ModelTraits


class ConvAutoencoder(nn.Module):
    """`depth` convolutions that halve height and width, a latent vector of `code` dimensions, and as many
    convolutions that double height and width.

    Block i has width × 2^i channels and is convolution → norm → activation. The decoder enlarges images by repeating
    pixels and then convolves, which avoids the chequerboard artefacts of transposed convolutions (Odena et al. 2016).
    The latent vector and the outputs are linear. Raises ValueError where `kernel_size` is even or an image is too
    small.
    """

    traits = ModelTraits(accepts=("image",), reconstructs=True)

    def __init__(
        self,
        input_shape: tuple[int, ...],
        *,
        code: Count = 16,
        width: Count = 16,
        depth: Count = 2,
        kernel_size: Count = 3,
        activation: ActivationName = "relu",
        norm: NormName = "batch_norm",
    ) -> None:
        super().__init__()
        channels, height, breadth = input_shape
        sizes = _sizes(height, breadth, depth, kernel_size)
        wide = [width * 2**i for i in range(depth)]
        smallest = (wide[-1], *sizes[-1])
        down = [_block(a, b, 2, kernel_size, activation, norm) for a, b in pairwise([channels, *wide])]
        self.encoder = named(blocks=nn.Sequential(*down), flatten=nn.Flatten(), code=nn.Linear(prod(smallest), code))
        up: list[nn.Module] = []
        for (a, b), larger in zip(pairwise(wide[::-1]), sizes[-2:0:-1], strict=True):
            up += [nn.Upsample(larger), _block(a, b, 1, kernel_size, activation, norm)]
        self.decoder = named(
            spread=nn.Linear(code, prod(smallest)),
            unflatten=nn.Unflatten(1, smallest),
            activation=activation_of(activation),
            blocks=nn.Sequential(*up),
            enlarge=nn.Upsample(sizes[0]),
            outputs=nn.Conv2d(wide[0], channels, kernel_size, padding=kernel_size // 2),
        )

    def encode(self, inputs: Tensor) -> Tensor:
        """B × channels × height × width → B × code."""
        code: Tensor = self.encoder(inputs)
        return code

    def decode(self, code: Tensor) -> Tensor:
        """B × code → B × channels × height × width."""
        outputs: Tensor = self.decoder(code)
        return outputs

    def forward(self, inputs: Tensor) -> Tensor:
        """B × channels × height × width → the same."""
        return self.decode(self.encode(inputs))


def _block(
    before: int, after: int, stride: int, kernel_size: int, activation: ActivationName, norm: NormName
) -> nn.Sequential:
    bias = norm != "batch_norm"  # which subtracts the mean, and any bias with it
    return named(
        convolution=nn.Conv2d(before, after, kernel_size, stride, padding=kernel_size // 2, bias=bias),
        norm=norm_of_images(norm, after),
        activation=activation_of(activation),
    )


def _sizes(height: int, width: int, depth: int, kernel_size: int) -> list[tuple[int, int]]:
    """Height and width before the first halving and after each; halves are rounded up."""
    halvings = (min(height, width) - 1).bit_length()
    if depth > halvings:
        raise ValueError(
            f"model.depth={depth}: images of {height}×{width} pixels can be halved {halvings} times; "
            f"use model.depth={halvings} or less."
        )
    if kernel_size % 2 == 0:
        raise ValueError(
            f"model.kernel_size={kernel_size}: must be odd, so that a kernel has a centre; "
            f"use model.kernel_size={kernel_size + 1}."
        )
    return [(-(-height // 2**i), -(-width // 2**i)) for i in range(depth + 1)]
