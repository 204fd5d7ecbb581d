"""One layer of self-attention (Vaswani et al. 2017) without the rest of a transformer, to inspect its weights."""

from typing import Annotated

from torch import Tensor, nn

from mlcli.config.ranges import Range
from mlcli.model.attention_layers import SelfAttention
from mlcli.model.layers import Count
from mlcli.model.positions import PositionName, StepEmbedding
from mlcli.model.recurrent import pool
from mlcli.traits import ModelTraits


class Attention(nn.Module):
    """Embedding and positions, one layer of self-attention, the mean over the steps and a linear head.

    There is no residual connection, so all information reaches the head through the attention weights.
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
        d_model: Count = 32,
        heads: Count = 1,
        positions: PositionName = "learned",
        causal: bool = False,
        temperature: Annotated[float, Range(0, low_open=True)] = 1.0,
    ) -> None:
        super().__init__()
        rotary = positions == "rotary"
        self.placed = StepEmbedding(input_shape, vocabulary, padded, d_model, positions)
        self.layer = SelfAttention(d_model, heads, causal=causal, rotary=rotary, temperature=temperature)
        self.pool = pool("mean", False, 0.0, per_step)
        self.head = nn.Linear(d_model, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """B × T × D, or tokens B × T → B × outputs; with `per_step` B × T × outputs."""
        states, mask = self.placed(inputs)
        logits: Tensor = self.head(self.pool(self.layer(states, mask), mask))
        return logits

    def attention(self, inputs: Tensor) -> Tensor:
        """Attention weights B × heads × T × T, from each query step (third axis) to each key step (fourth)."""
        weights: Tensor = self.layer.with_weights(*self.placed(inputs))[1]
        return weights
