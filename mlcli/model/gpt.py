"""Decoder-only Transformer (Radford et al. 2019, Language Models are Unsupervised Multitask Learners).

Shapes: B batch, T steps, W width, H heads.
"""

from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from mlcli.model.layers import Count, Probability, dropout_of, named
from mlcli.model.recurrent import pool
from mlcli.model.steps import Steps

DEVIATION = 0.02  # of the weights at the start


class GPT(nn.Module):
    """Blocks of causal attention and a small network, each added to what comes in, which it normalises first.

    Positions are learnt. A step sees itself and the steps before it, so padding, which is at the end, is never seen;
    without `per_step` the answer is that of the last step. Unlike GPT-2's, the head has weights of its own.
    """

    accepts: tuple[str, ...] = ("sequence", "tokens")

    def __init__(
        self,
        input_shape: tuple[int, ...],
        outputs: int,
        vocabulary: int | None = None,
        padded: bool = False,
        per_step: bool = False,
        *,
        width: Count = 64,
        layers: Count = 2,
        heads: Count = 4,
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"model.width={width} is no multiple of model.heads={heads}.")
        self.steps = Steps(input_shape, vocabulary, padded, width)
        self.project = None if vocabulary else nn.Linear(self.steps.features, width)
        self.positions = nn.Embedding(input_shape[0], width)
        self.dropout = dropout_of(dropout)
        self.blocks = nn.Sequential(*(Block(width, heads, dropout) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.pool = pool("last", False, 0.0, per_step)
        self.head = nn.Linear(width, outputs)
        self._initialise(layers)

    def _initialise(self, layers: int) -> None:
        """As GPT-2: small, and what is added to the stream smaller the more blocks add to it."""
        for name, module in self.named_modules():
            if isinstance(module, nn.Linear):
                added = name.endswith("output")
                nn.init.normal_(module.weight, std=DEVIATION / sqrt(2 * layers) if added else DEVIATION)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=DEVIATION)
                if module.padding_idx is not None:
                    nn.init.zeros_(module.weight[module.padding_idx])

    def forward(self, inputs: Tensor) -> Tensor:
        """B × T × D, or tokens B × T → B × outputs; with `per_step` B × T × outputs. T may be shorter than was said,
        not longer."""
        states, mask = self.steps(inputs)
        if self.project is not None:
            states = self.project(states)
        states = states + self.positions.weight[: states.shape[1]]
        if self.dropout is not None:
            states = self.dropout(states)
        logits: Tensor = self.head(self.pool(self.norm(self.blocks(states)), mask))
        return logits


class Block(nn.Module):
    """x ← x + attention(norm(x)), then x ← x + feed_forward(norm(x)); B × T × W → the same."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = CausalAttention(width, heads, dropout)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.feed_forward = named(
            input=nn.Linear(width, 4 * width),
            activation=nn.GELU(approximate="tanh"),
            output=nn.Linear(4 * width, width),
            dropout=dropout_of(dropout),
        )

    def forward(self, states: Tensor) -> Tensor:
        states = states + self.attention(self.attention_norm(states))
        return states + self.feed_forward(self.feed_forward_norm(states))  # type: ignore[no-any-return]


class CausalAttention(nn.Module):
    """Attention of several heads (Vaswani et al. 2017) in which no step sees a later one; B × T × W → the same."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        # Queries, keys and values. No bias: that of the keys changes nothing, so its gradient is rounding alone, of
        # which Adam would make whole steps.
        self.input = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width)
        self.dropout = dropout_of(dropout)

    def forward(self, states: Tensor) -> Tensor:
        batch, steps, width = states.shape
        parts = self.input(states).view(batch, steps, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each B × H × T × W/H
        if torch._C._functorch.is_batchedtensor(query):  # torch.vmap has no rule for the fused kernels
            with sdpa_kernel(SDPBackend.MATH):
                mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        else:
            mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        added: Tensor = self.output(mixed.transpose(1, 2).reshape(batch, steps, width))
        return added if self.dropout is None else self.dropout(added)
