"""Transformer encoder for sequences and tokens (Vaswani et al. 2017; norm first as in Xiong et al. 2020)."""

from typing import Literal

import torch
from torch import Tensor, nn

from mlcli.model.layers import ActivationName, Count, Probability
from mlcli.model.positions import PositionName, StepEmbedding
from mlcli.model.recurrent import pool
from mlcli.model.transformer_layers import Block, NormPlace
from mlcli.traits import ModelTraits


class Transformer(nn.Module):
    """Embedding and positions, `layers` of self-attention and feed-forward, pooling, then a linear head.

    pooling: the mean over the steps, or the output at a class token, a learned vector in front of the sequence
    (Devlin et al. 2018). Dropout is on the embedded steps and on each residual branch. Raises ValueError where
    d_model is not a multiple of heads, and for a class token with causal attention.
    """

    traits = ModelTraits(accepts=("sequence", "tokens"))

    def __init__(
        self,
        input_shape: tuple[int, ...],
        outputs: int,
        vocabulary: int | None = None,
        padded: bool = False,
        per_step: bool = False,
        *,
        d_model: Count = 64,
        heads: Count = 4,
        layers: Count = 2,
        feed_forward: Count = 4,
        positions: PositionName = "learned",
        norm: NormPlace = "pre",
        activation: ActivationName = "gelu",
        causal: bool = False,
        pooling: Literal["mean", "class_token"] = "mean",
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        _check(pooling, causal)
        self.placed = StepEmbedding(input_shape, vocabulary, padded, d_model, positions)
        with_token = pooling == "class_token" and not per_step
        self.token = nn.Parameter(torch.randn(1, 1, d_model)) if with_token else None
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            Block(
                d_model,
                heads,
                feed_forward * d_model,
                norm=norm,
                activation=activation,
                dropout=dropout,
                causal=causal,
                rotary=positions == "rotary",
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(d_model) if norm == "pre" else None  # of the residual stream
        self.pool = pool("mean", False, 0.0, per_step)
        self.head = nn.Linear(d_model, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """B × T × D, or tokens B × T → B × outputs; with `per_step` B × T × outputs."""
        states, mask = self._embed(inputs)
        for block in self.blocks:
            states = block(states, mask)
        states = states if self.norm is None else self.norm(states)
        logits: Tensor = self.head(self.pool(states, mask) if self.token is None else states[:, 0])
        return logits

    def attention(self, inputs: Tensor) -> Tensor:
        """Attention weights B × layers × heads × T × T, from each query step (fourth axis) to each key step (fifth).

        A class token is the first step.
        """
        states, mask = self._embed(inputs)
        weights = []
        for block in self.blocks:
            assert isinstance(block, Block)
            weights.append(block.attention(states, mask))
            states = block(states, mask)
        return torch.stack(weights, 1)

    def _embed(self, inputs: Tensor) -> tuple[Tensor, Tensor | None]:
        """Embedded steps B × T × D, after the class token if there is one, and their mask."""
        states, mask = self.placed(inputs)
        if self.token is not None:
            states = torch.cat([self.token.expand(len(states), 1, -1), states], 1)
            mask = None if mask is None else torch.cat([torch.ones_like(mask[:, :1]), mask], 1)
        return self.dropout(states), mask


def _check(pooling: str, causal: bool) -> None:
    if pooling not in ("mean", "class_token"):
        raise ValueError(f"model.pooling={pooling}: no such pooling. Choices: mean, class_token.")
    if pooling == "class_token" and causal:
        raise ValueError(
            "model.pooling=class_token with model.causal=true: the token is the first step and cannot attend to "
            "others; use model.pooling=mean."
        )
