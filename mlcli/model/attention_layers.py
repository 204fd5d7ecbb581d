"""Multi-head self-attention (Vaswani et al. 2017, "Attention Is All You Need", 3.2).

Shapes: K trials, B batch, T steps, H heads, D = d_model, of which each head has D / H.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcli.model.positions import rotate


class SelfAttention(nn.Module):
    """softmax(Q Kᵀ / (√(D / H) · temperature)) V for each head, then a linear layer on the concatenated heads.

    causal: a step attends to itself and to earlier steps only. rotary: queries and keys are rotated by their
    positions. temperature: below 1 makes the weights more peaked, above 1 flatter. Raises ValueError where d_model is
    not a multiple of heads.
    """

    def __init__(
        self, d_model: int, heads: int, *, causal: bool = False, rotary: bool = False, temperature: float = 1.0
    ) -> None:
        super().__init__()
        _check(d_model, heads, rotary)
        self.heads = heads
        self.causal = causal
        self.rotary = rotary
        self.scale = 1 / ((d_model / heads) ** 0.5 * temperature)
        # To queries, keys and values. Softmax is invariant to the bias of the keys, and that of the values is
        # redundant with the bias of `mix`; Adam would take full steps on the rounding noise in their gradients.
        self.project = nn.Linear(d_model, 3 * d_model, bias=False)
        self.mix = nn.Linear(d_model, d_model)

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """B × T × D, and a mask B × T that is False for padding → B × T × D. No step attends to padding."""
        query, key, value = self.split(inputs)
        mixed: Tensor = self.mix(_joined(attend(query, key, value, mask, self.causal, self.scale)))
        return mixed

    def with_weights(self, inputs: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The outputs, and the attention weights B × H × T × T from each query step (third axis) to each key step.

        `forward` uses a fused kernel that never holds all weights in memory.
        """
        query, key, value = self.split(inputs)
        weights = weights_of(query, key, allowed(mask, self.causal, inputs), self.scale)
        return self.mix(_joined(weights @ value)), weights

    def split(self, inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each B × H × T × D / H."""
        parts = self.project(inputs).unflatten(-1, (3, self.heads, -1)).transpose(1, 3)  # B × H × 3 × T × D / H
        query, key, value = parts.unbind(2)
        if self.rotary:
            query, key = rotate(parts[:, :, :2]).unbind(2)
        return query, key, value


def weights_of(query: Tensor, key: Tensor, allowed: Tensor | None, scale: float) -> Tensor:
    """softmax(query · keyᵀ · scale), B × H × T × T: exactly 0 where not allowed, also in rows where nothing is."""
    scores = query @ key.mT * scale
    if allowed is None:
        return scores.softmax(-1)
    lowest = torch.finfo(scores.dtype).min  # −∞ would give NaN in rows where nothing is allowed
    return scores.masked_fill(~allowed, lowest).softmax(-1).masked_fill(~allowed, 0.0)


def allowed(mask: Tensor | None, causal: bool, inputs: Tensor) -> Tensor | None:
    """Which keys each query may attend to: B × 1 × 1 × T, 1 × 1 × T × T or both broadcast; None for all."""
    present = None if mask is None else mask[:, None, None, :]
    if not causal:
        return present
    steps = inputs.shape[1]
    before = torch.ones(1, 1, steps, steps, dtype=torch.bool, device=inputs.device).tril()
    return before if present is None else present & before


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, causal: bool, scale: float) -> Tensor:
    """Attention by torch's fused kernel; query, key, value and result B × H × T × D / H each, mask B × T."""
    if torch._C._functorch.is_batchedtensor(query):
        return _Trials.apply(query, key, value, mask, causal, scale)  # type: ignore[no-any-return, no-untyped-call]
    if mask is None:
        return F.scaled_dot_product_attention(query, key, value, is_causal=causal, scale=scale)
    visible = allowed(mask, causal, query.transpose(1, 2))
    return F.scaled_dot_product_attention(query, key, value, attn_mask=visible, scale=scale)


class _Trials(torch.autograd.Function):
    """Defines the vmap rule of `attend`: torch.vmap has none for the fused kernel and would loop over the trials. The
    kernel treats examples independently, so K trials of B examples become one axis of K · B."""

    @staticmethod
    def forward(*inputs: Any) -> Tensor:
        raise RuntimeError("attention of a stack was called outside torch.vmap")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        raise RuntimeError("attention of a stack was called outside torch.vmap")

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Any) -> tuple[Tensor, int]:
        flat = [
            _flattened(each, dim, info.batch_size) for each, dim in zip(inputs[:4], in_dims[:4], strict=True)
        ]  # query, key, value, mask
        outputs = attend(*flat, *inputs[4:])
        return outputs.view(info.batch_size, -1, *outputs.shape[1:]), 0


def _flattened(tensor: Tensor | None, dim: int | None, trials: int) -> Any:
    """Trials along `dim`, each B × … → (K · B) × …"""
    if tensor is None:
        return None
    each = tensor.expand(trials, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
    return each.flatten(0, 1)


def _joined(heads: Tensor) -> Tensor:
    """B × H × T × D / H → B × T × D."""
    return heads.transpose(1, 2).flatten(2)


def _check(d_model: int, heads: int, rotary: bool) -> None:
    multiple = 2 if rotary else 1  # rotary positions rotate pairs of components
    if d_model % (heads * multiple) == 0:
        return
    fitting = [str(n) for n in range(1, d_model + 1) if d_model % (n * multiple) == 0]
    parts = " into even sizes, as positions=rotary needs" if rotary else " evenly"
    heads_advice = f"use model.heads={'|'.join(fitting)}, or " if fitting else "use "
    raise ValueError(
        f"model.d_model={d_model} cannot be divided among model.heads={heads}{parts}: {heads_advice}"
        f"model.d_model={-(-d_model // (heads * multiple)) * heads * multiple}."
    )
