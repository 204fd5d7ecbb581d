"""Preprocessing of inputs: modules in front of a network, fitted on the training split and saved with the run.

Shapes: B batch; of one raw example, and of one that is preprocessed.
"""

from collections.abc import Sequence

from torch import Tensor, nn


class Preprocessing(nn.Module):
    """Raw inputs → what an adapter passes on to the network. Buffers hold what was fitted.

    categories: if the last of the preprocessed columns are codes of categories, the number of codes of each.
    """

    categories: tuple[int, ...] = ()

    def shape(self, raw: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of a preprocessed example, from that of a raw one."""
        return raw

    def kind(self, raw: str) -> str:
        """The kind of preprocessed examples, from that of raw ones."""
        return raw

    def names(self, raw: Sequence[str]) -> tuple[str, ...]:
        """The names of the tokens of preprocessed examples, or of the features that tokens become, from those of the
        raw tokens."""
        return tuple(raw)


class Standardise(Preprocessing):
    """(inputs − mean) / std, as float32. mean, std: per feature for vectors and sequences, per channel (C × 1 × 1)
    for images; `std` is never 0."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, inputs: Tensor) -> Tensor:
        """B × shape → the shape of a preprocessed example."""
        return (self.values(inputs).float() - self.mean) / self.std

    def values(self, inputs: Tensor) -> Tensor:
        """The numbers that are standardised, in their own units, from raw inputs."""
        return inputs


class Unchanged(Standardise):
    """Indices stay as they are. The statistics, 0 and 1, are only saved."""

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs
