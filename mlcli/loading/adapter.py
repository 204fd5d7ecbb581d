"""Adapters between kinds of examples and of models: the rows of an image as a sequence, its pixels as a vector."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Adapter:
    """Converts batches of examples to the kind that a model accepts.

    kind, shape: of one adapted example. categories: if its last columns are codes, the number of codes of each.
    coded: the same of an example before it is adapted.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    categories: tuple[int, ...] = ()
    coded: tuple[int, ...] = ()

    def __call__(self, inputs: Tensor) -> Tensor:
        """B × shape of an example → B × `shape`."""
        if self.name == "rows":
            return inputs.transpose(1, 2).flatten(2)  # B × C × H × W → B × H × (C · W)
        if self.name == "one_hot":
            return one_hot(inputs, self.coded)
        shaped = inputs.reshape(inputs.shape[0], *self.shape)
        # A vector has no padding; 0 is the mean of normalised values.
        return torch.where(shaped.isnan(), 0.0, shaped) if self.name == "flatten" else shaped

    def undo(self, adapted: Tensor, shape: tuple[int, ...]) -> Tensor:
        """The inverse: B × `self.shape` → B × `shape`, that of an example before it was adapted."""
        if self.name == "rows":
            channels, height, width = shape
            return adapted.reshape(-1, height, channels, width).transpose(1, 2)
        return adapted.reshape(-1, *shape)


def one_hot(inputs: Tensor, categories: Sequence[int]) -> Tensor:
    """B × D with codes in the last columns → B × (D − C + sum of the categories), each code as zeros and a one."""
    numbers = inputs.shape[1] - len(categories)
    codes = inputs[:, numbers:].long()
    each = [functional.one_hot(codes[:, i], size).to(inputs.dtype) for i, size in enumerate(categories)]
    return torch.cat([inputs[:, :numbers], *each], 1)


def adapt(kind: str, shape: tuple[int, ...], accepts: Sequence[str], categories: tuple[int, ...] = ()) -> Adapter:
    """The adapter from preprocessed examples of `kind` and `shape` to a model that accepts these kinds, in order of
    preference. categories: of a table, as in `Preprocessing`.

    Raises ValueError if there is none.
    """
    if kind in accepts:
        return Adapter("identity", kind, shape, categories, categories)
    for wanted in accepts:
        if wanted == "vector" and kind == "table":
            width = shape[0] - len(categories) + sum(categories)
            return Adapter("one_hot", wanted, (width,), (), categories)
        if wanted == "vector" and kind in ("image", "sequence"):
            return Adapter("flatten", wanted, (prod(shape),))
        if wanted == "sequence" and kind == "image":
            channels, height, width = shape
            return Adapter("rows", wanted, (height, channels * width))
        if wanted == "sequence" and kind == "vector":
            return Adapter("steps", wanted, (*shape, 1))
    raise ValueError(f"A model for {' or '.join(accepts)} cannot take data of kind {kind}.")
