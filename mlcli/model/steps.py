"""The first layer of networks for sequences: steps of any kind become vectors, with a mask of the padding.

Shapes: B batch, T steps, D numbers a step, F features.
"""

import torch
from torch import Tensor, nn

from mlcli.padding import steps_of


class Steps(nn.Module):
    """Passes vectors on and embeds tokens. `features` is the size of a step afterwards."""

    def __init__(self, input_shape: tuple[int, ...], vocabulary: int | None, padded: bool, embedding: int) -> None:
        super().__init__()
        self.padded = padded
        self.embedding = nn.Embedding(vocabulary, embedding, padding_idx=0) if vocabulary else None
        self.features = embedding if vocabulary else input_shape[1]

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor | None]:
        """B × T × D, or tokens B × T → B × T × F with zeros for padding, and a mask B × T that is False for padding;
        None where no example is padded."""
        mask = steps_of(inputs) if self.padded else None
        if self.embedding is not None:
            return self.embedding(inputs), mask
        if mask is not None:
            inputs = torch.where(mask.unsqueeze(-1), inputs, 0.0)
        return inputs, mask
