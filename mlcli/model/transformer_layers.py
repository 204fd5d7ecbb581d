"""The block of a transformer encoder (Vaswani et al. 2017, 3.1). Shapes: B batch, T steps, H heads, D d_model."""

from typing import Literal, get_args

from torch import Tensor, nn

from mlcli.model.attention_layers import SelfAttention
from mlcli.model.layers import ActivationName, activation_of, named

NormPlace = Literal["pre", "post"]


class Block(nn.Module):
    """Self-attention, then a feed-forward network with one hidden layer on each step; both are residual branches.

    norm: "pre" normalises the inputs of a residual branch, which keeps gradients well-behaved at initialisation
    (Xiong et al. 2020, arXiv 2002.04745); "post" normalises the sum, as originally published. Raises ValueError with
    the choices, and as SelfAttention does.
    """

    def __init__(
        self,
        d_model: int,
        heads: int,
        hidden: int,
        *,
        norm: NormPlace = "pre",
        activation: ActivationName = "gelu",
        dropout: float = 0.0,
        causal: bool = False,
        rotary: bool = False,
    ) -> None:
        super().__init__()
        if norm not in get_args(NormPlace):
            raise ValueError(f"model.norm={norm}: no such norm. Choices: {', '.join(get_args(NormPlace))}.")
        self.first = norm == "pre"
        self.mixing = SelfAttention(d_model, heads, causal=causal, rotary=rotary)
        self.feed_forward = named(
            widen=nn.Linear(d_model, hidden), activation=activation_of(activation), narrow=nn.Linear(hidden, d_model)
        )
        self.mixing_norm = nn.LayerNorm(d_model)
        self.feed_forward_norm = nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """B × T × D, and a mask B × T that is False for padding → B × T × D."""
        if self.first:
            states = inputs + self.dropout(self.mixing(self.mixing_norm(inputs), mask))
            outputs: Tensor = states + self.dropout(self.feed_forward(self.feed_forward_norm(states)))
        else:
            states = self.mixing_norm(inputs + self.dropout(self.mixing(inputs, mask)))
            outputs = self.feed_forward_norm(states + self.dropout(self.feed_forward(states)))
        return outputs

    def attention(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """The attention weights B × H × T × T of `forward` for the same inputs."""
        return self.mixing.with_weights(self.mixing_norm(inputs) if self.first else inputs, mask)[1]
