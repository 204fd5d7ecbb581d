"""Decoder-only Transformer (Radford et al. 2019, Language Models are Unsupervised Multitask Learners).

Shapes: B batch, T steps.
"""

from math import sqrt

from torch import Tensor, nn

from mlcli.model.layers import Count, Probability, dropout_of
from mlcli.model.positions import StepEmbedding
from mlcli.model.recurrent import pool
from mlcli.model.transformer_layers import Block
from mlcli.traits import ModelTraits

INITIAL_STD = 0.02  # of the weights
RESIDUAL = ("mix", "narrow")  # layers of a block whose outputs are added to the residual stream


class GPT(nn.Module):
    """Pre-norm blocks of causal self-attention and a feed-forward network, with learned positions.

    A step attends to itself and to earlier steps, so padding, which is at the end, has no influence. Without
    `per_step` the output is that of the last step. Unlike GPT-2, head and embedding do not share weights.
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
        width: Count = 64,
        layers: Count = 2,
        heads: Count = 4,
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"model.width={width}: must be a multiple of model.heads={heads}.")
        self.placed = StepEmbedding(input_shape, vocabulary, padded, width, "learned")
        self.dropout = dropout_of(dropout)
        self.blocks = nn.Sequential(
            *(Block(width, heads, 4 * width, dropout=dropout, causal=True) for _ in range(layers))
        )
        self.norm = nn.LayerNorm(width)
        self.pool = pool("last", False, 0.0, per_step)
        self.head = nn.Linear(width, outputs)
        self._initialise(layers)

    def _initialise(self, layers: int) -> None:
        """As GPT-2: normal weights of a small standard deviation, divided by √(2 · layers) in residual layers."""
        nn.init.normal_(self.placed.positions.get_parameter("learned"), std=INITIAL_STD)
        for name, module in self.named_modules():
            if isinstance(module, nn.Linear):
                added = name.endswith(RESIDUAL)
                nn.init.normal_(module.weight, std=INITIAL_STD / sqrt(2 * layers) if added else INITIAL_STD)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=INITIAL_STD)
                if module.padding_idx is not None:
                    nn.init.zeros_(module.weight[module.padding_idx])

    def forward(self, inputs: Tensor) -> Tensor:
        """B × T × D, or tokens B × T → B × outputs; with `per_step` B × T × outputs. T is at most that of the
        constructor's `input_shape`."""
        states, mask = self.placed(inputs)
        if self.dropout is not None:
            states = self.dropout(states)
        logits: Tensor = self.head(self.pool(self.norm(self.blocks(states)), mask))
        return logits
