"""Convolutional network for small images."""

from typing import Literal

from torch import Tensor, nn

from mlcli.model.layers import (
    ActivationName,
    Count,
    NormName,
    Probability,
    activation_of,
    dropout_of,
    named,
    norm_of_images,
)
from mlcli.traits import ModelTraits

POOLS = {"max": nn.MaxPool2d, "mean": nn.AvgPool2d}


class CNN(nn.Module):
    """`depth` blocks, each convolution → norm → activation → 2×2 pooling, then a linear head.

    Block i has width × 2^i channels and halves height and width. Dropout is on the inputs of the head.
    Raises ValueError where the image is too small for `depth` halvings, or `kernel_size` is even.
    """

    traits = ModelTraits(accepts=("image",))

    def __init__(
        self,
        input_shape: tuple[int, ...],
        outputs: int,
        *,
        width: Count = 16,
        depth: Count = 2,
        kernel_size: Count = 3,
        activation: ActivationName = "relu",
        norm: NormName = "batch_norm",
        pooling: Literal["max", "mean"] = "max",
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        channels, height, breadth = input_shape
        _check(height, breadth, depth, kernel_size)
        blocks = []
        bias = norm != "batch_norm"  # which subtracts the mean, and any bias with it
        for i in range(depth):
            wider = width * 2**i
            blocks.append(
                named(
                    convolution=nn.Conv2d(channels, wider, kernel_size, padding=kernel_size // 2, bias=bias),
                    norm=norm_of_images(norm, wider),
                    activation=activation_of(activation),
                    pool=POOLS[pooling](2),
                )
            )
            channels = wider
        self.blocks = nn.Sequential(*blocks)
        self.flatten = named(flatten=nn.Flatten(), dropout=dropout_of(dropout))
        self.head = nn.Linear(channels * (height >> depth) * (breadth >> depth), outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """B × channels × height × width → B × outputs."""
        logits: Tensor = self.head(self.flatten(self.blocks(inputs)))
        return logits


def _check(height: int, width: int, depth: int, kernel_size: int) -> None:
    halvings = min(height, width).bit_length() - 1
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
