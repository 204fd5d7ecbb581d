"""Multi-head self-attention (Vaswani et al. 2017, "Attention Is All You Need", 3.2), which attention, transformer and
others share.

Shapes: K trials, B batch, T steps, H heads, D = d_model numbers a step, of which each head has D / H.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcli.model.positions import rotate


class SelfAttention(nn.Module):
    """Each step takes a weighted mean of what all steps offer, once per head, and the heads are mixed.

    causal: a step sees itself and what came before. rotary: queries and keys are turned by their positions.
    temperature: below 1 sharpens the weights, above 1 flattens them. Raises ValueError when the heads cannot share
    d_model evenly.
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
        # To queries, keys and values. Softmax takes a key's bias away again and `mix` has what a value's would add;
        # a weight without an effect has noise for a gradient, of which Adam makes full steps.
        self.project = nn.Linear(d_model, 3 * d_model, bias=False)
        self.mix = nn.Linear(d_model, d_model)

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """B × T × D, and a mask B × T of the steps that are there → B × T × D. No step sees one that is not there."""
        query, key, value = self.split(inputs)
        mixed: Tensor = self.mix(_joined(attend(query, key, value, mask, self.causal, self.scale)))
        return mixed

    def with_weights(self, inputs: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The same outputs, and the weights B × H × T × T: how much each step (third) takes from each (fourth).

        Step by step, where `forward` takes one fused kernel that never has all weights at hand.
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
    """softmax(query · keyᵀ · scale), B × H × T × T: exactly 0 where not allowed, also for who may look nowhere."""
    scores = query @ key.mT * scale
    if allowed is None:
        return scores.softmax(-1)
    least = torch.finfo(scores.dtype).min  # unlike −∞ it leaves a number where all is hidden
    return scores.masked_fill(~allowed, least).softmax(-1).masked_fill(~allowed, 0.0)


def allowed(mask: Tensor | None, causal: bool, inputs: Tensor) -> Tensor | None:
    """What each step may look at: B × 1 × 1 × T, 1 × 1 × T × T or both as one; None for everything."""
    there = None if mask is None else mask[:, None, None, :]
    if not causal:
        return there
    steps = inputs.shape[1]
    before = torch.ones(1, 1, steps, steps, dtype=torch.bool, device=inputs.device).tril()
    return before if there is None else there & before


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, causal: bool, scale: float) -> Tensor:
    """The weighted means by torch's fused kernel, B × H × T × D / H each. Mask B × T."""
    if torch._C._functorch.is_batchedtensor(query):
        return _Trials.apply(query, key, value, mask, causal, scale)  # type: ignore[no-any-return, no-untyped-call]
    if mask is None:
        return F.scaled_dot_product_attention(query, key, value, is_causal=causal, scale=scale)
    seen = allowed(mask, causal, query.transpose(1, 2))
    return F.scaled_dot_product_attention(query, key, value, attn_mask=seen, scale=scale)


class _Trials(torch.autograd.Function):
    """A name for torch.vmap to find its rule by: it has none for the fused kernel, and would loop over the trials.
    To the kernel, which mixes no examples, the trials are more examples: K × B becomes one axis."""

    @staticmethod
    def forward(*inputs: Any) -> Tensor:
        raise RuntimeError("attention of a stack was called outside of it")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        raise RuntimeError("attention of a stack was called outside of it")

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Any) -> tuple[Tensor, int]:
        flat = [
            _flattened(each, dim, info.batch_size) for each, dim in zip(inputs[:4], in_dims[:4], strict=True)
        ]  # query, key, value, mask
        outputs = attend(*flat, *inputs[4:])
        return outputs.view(info.batch_size, -1, *outputs.shape[1:]), 0


def _flattened(tensor: Tensor | None, dim: int | None, trials: int) -> Any:
    """B × … of each trial, which are K along `dim` → (K · B) × …"""
    if tensor is None:
        return None
    each = tensor.expand(trials, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
    return each.flatten(0, 1)


def _joined(heads: Tensor) -> Tensor:
    """B × H × T × D / H → B × T × D."""
    return heads.transpose(1, 2).flatten(2)


def _check(d_model: int, heads: int, rotary: bool) -> None:
    multiple = 2 if rotary else 1  # rotary positions turn pairs of numbers
    if d_model % (heads * multiple) == 0:
        return
    fitting = [str(n) for n in range(1, d_model + 1) if d_model % (n * multiple) == 0]
    pairs = " into an even number each, as positions=rotary needs" if rotary else " evenly"
    heads_advice = f"use model.heads={'|'.join(fitting)}, or " if fitting else "use "
    raise ValueError(
        f"model.d_model={d_model} cannot be divided among model.heads={heads}{pairs}: {heads_advice}"
        f"model.d_model={-(-d_model // (heads * multiple)) * heads * multiple}."
    )
