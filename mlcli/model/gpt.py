"""Decoder-only Transformer (Radford et al. 2019, Language Models are Unsupervised Multitask Learners).

Shapes: B batch, T steps.
"""

from math import sqrt

from torch import Tensor, nn

from mlcli.model.layers import Count, Probability, dropout_of
from mlcli.model.positions import Placed
from mlcli.model.recurrent import pool
from mlcli.model.transformer_layers import Block
from mlcli.traits import ModelTraits

DEVIATION = 0.02  # of the weights at the start
ADDED = ("mix", "narrow")  # the layers of a block whose outputs are added to the stream


class GPT(nn.Module):
    """Blocks of causal attention and a small network, each added to what comes in, which it normalises first.

    Positions are learnt. A step sees itself and the steps before it, so padding, which is at the end, is never seen;
    without `per_step` the answer is that of the last step. Unlike GPT-2's, the head has weights of its own.
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
            raise ValueError(f"model.width={width} is no multiple of model.heads={heads}.")
        self.placed = Placed(input_shape, vocabulary, padded, width, "learned")
        self.dropout = dropout_of(dropout)
        self.blocks = nn.Sequential(
            *(Block(width, heads, 4 * width, dropout=dropout, causal=True) for _ in range(layers))
        )
        self.norm = nn.LayerNorm(width)
        self.pool = pool("last", False, 0.0, per_step)
        self.head = nn.Linear(width, outputs)
        self._initialise(layers)

    def _initialise(self, layers: int) -> None:
        """As GPT-2: small, and what is added to the stream smaller the more blocks add to it."""
        nn.init.normal_(self.placed.positions.get_parameter("learned"), std=DEVIATION)
        for name, module in self.named_modules():
            if isinstance(module, nn.Linear):
                added = name.endswith(ADDED)
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
        states, mask = self.placed(inputs)
        if self.dropout is not None:
            states = self.dropout(states)
        logits: Tensor = self.head(self.pool(self.norm(self.blocks(states)), mask))
        return logits
