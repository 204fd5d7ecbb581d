"""Convolutional network for sequences: kernels slide over the steps (for text: Kim 2014, arXiv 1408.5882)."""

from itertools import pairwise
from typing import Literal

import torch
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
from mlcli.model.steps import Steps
from mlcli.traits import ModelTraits


class CNN1d(nn.Module):
    """`depth` blocks, each convolution of stride 2 → norm → activation, then pooling over the remaining steps and a
    linear head.

    Block i has width × 2^i channels and halves the number of steps. Dropout is on the inputs of the head. Tokens are
    embedded first; the amount of padding does not change the outputs. Raises ValueError where `kernel_size` is even.
    """

    traits = ModelTraits(accepts=("sequence", "tokens"))

    def __init__(
        self,
        input_shape: tuple[int, ...],
        outputs: int,
        vocabulary: int | None = None,
        padded: bool = False,
        *,
        width: Count = 16,
        depth: Count = 3,
        kernel_size: Count = 5,
        activation: ActivationName = "relu",
        norm: NormName = "layer_norm",
        pooling: Literal["max", "mean"] = "max",
        dropout: Probability = 0.0,
        embedding: Count = 64,
    ) -> None:
        super().__init__()
        if kernel_size % 2 == 0:
            raise ValueError(
                f"model.kernel_size={kernel_size}: must be odd, so that a kernel has a centre; "
                f"use model.kernel_size={kernel_size + 1}."
            )
        if pooling not in ("max", "mean"):
            raise ValueError(f"model.pooling={pooling}: no such pooling. Choices: max, mean.")
        self.pooling = pooling
        self.steps = Steps(input_shape, vocabulary, padded, embedding)
        widths = [self.steps.features, *(width * 2**i for i in range(depth))]
        bias = norm != "batch_norm"  # which subtracts the mean, and any bias with it
        self.blocks = nn.ModuleList(
            named(
                convolution=nn.Conv1d(channels, wider, kernel_size, 2, kernel_size // 2, bias=bias),
                norm=_norm(norm, wider),
                activation=activation_of(activation),
            )
            for channels, wider in pairwise(widths)
        )
        self.dropout = named(dropout=dropout_of(dropout))
        self.head = nn.Linear(widths[-1], outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """B × T × D, or tokens B × T → B × outputs."""
        features, mask = self.steps(inputs)
        maps = features.transpose(1, 2)  # B × channels × T
        for block in self.blocks:
            maps = block(maps)
            if mask is not None:
                mask = mask[:, ::2]
                maps = torch.where(mask.unsqueeze(1), maps, 0.0)
        logits: Tensor = self.head(self.dropout(self._pool(maps, mask)))
        return logits

    def _pool(self, maps: Tensor, mask: Tensor | None) -> Tensor:
        """B × channels × T → B × channels."""
        if self.pooling == "max":
            return (maps if mask is None else torch.where(mask.unsqueeze(1), maps, -torch.inf)).amax(2)
        return maps.mean(2) if mask is None else maps.sum(2) / mask.sum(1, keepdim=True)


class _LayerNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each step."""

    def forward(self, maps: Tensor) -> Tensor:
        """B × channels × T → the same."""
        return super().forward(maps.transpose(1, 2)).transpose(1, 2)


def _norm(name: NormName, channels: int) -> nn.Module | None:
    return _LayerNorm(channels) if name == "layer_norm" else norm_of_vectors(name, channels)
