"""torch's functions that sample, for stacks: each trial samples from its own generator, as it would alone.

torch.vmap samples one set of numbers for all trials, or raises. Modules such as nn.Dropout2d, nn.MultiheadAttention
and those of other packages call these functions by their names in torch.nn.functional or torch, so a context that
replaces the functions reaches them all. Other functions and methods (Tensor.bernoulli_, torch.multinomial, …) make
torch.vmap raise.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from mlcli.random_numbers import Fill, normal, uniform

# fill, shape of the tensor of one trial, dtype → K × shape, each trial's part filled by its own generator
Sample = Callable[[Fill, Sequence[int], torch.dtype], Tensor]
ALPHA = 1.7580993408473766  # SELU's negative saturation value, as in torch
ORIGINAL_ATTENTION = F.scaled_dot_product_attention


@contextmanager
def per_trial_sampling(sample: Sample, stacked: Tensor) -> Iterator[None]:
    """Within this context, inside torch.vmap, functions of torch sample with `sample`. stacked: a batched tensor."""
    functional = {
        "dropout": partial(_dropout, sample),
        "dropout1d": partial(_unbatched_too, sample, 2),
        "dropout2d": partial(_feature_dropout, sample),
        "dropout3d": partial(_unbatched_too, sample, 4),
        "alpha_dropout": partial(_alpha_dropout, sample, False),
        "feature_alpha_dropout": partial(_alpha_dropout, sample, True),
        "scaled_dot_product_attention": partial(_attention, sample),
    }
    general = {
        "rand_like": partial(_like, sample, uniform),
        "randn_like": partial(_like, sample, normal),
        "rand": partial(_of_size, sample, uniform, stacked),
        "randn": partial(_of_size, sample, normal, stacked),
    }
    places = [(vars(F), functional), (vars(torch), general)]
    before = [(names, {name: names[name] for name in ours}) for names, ours in places]
    try:
        for names, ours in places:
            names.update(ours)
        yield
    finally:
        for names, theirs in before:
            names.update(theirs)


def random(sample: Sample, like: Tensor, fill: Fill) -> Tensor:
    """A tensor like this one, filled with random numbers by each trial's generator. Only inside torch.vmap."""
    return _Random.apply(like.detach(), sample, fill)  # type: ignore[no-any-return, no-untyped-call]


def _kept(sample: Sample, like: Tensor, probability: float) -> Tensor:
    """Ones for what dropout keeps, zeros for the rest."""
    return _in_memory_order(
        sample, like, lambda mask, generator: mask.bernoulli_(1 - probability, generator=generator)
    )


def _in_memory_order(sample: Sample, like: Tensor, fill: Fill) -> Tensor:
    """Random numbers in the order of the elements in memory, in which torch fills a transposed tensor."""
    strides = like.stride()
    order = sorted(range(like.ndim), key=lambda dimension: -strides[dimension])
    inverse = sorted(range(like.ndim), key=lambda place: order[place])
    return random(sample, like.permute(order), fill).permute(inverse)


def _dropout(sample: Sample, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zeroes elements with this probability and scales up the rest (Srivastava et al. 2014)."""
    if not training or not p:
        return input
    mask = _kept(sample, input, p)
    return _multiplied(input, mask / (1 - p) if p < 1 else mask, inplace)


def _unbatched_too(
    sample: Sample, dimensions: int, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Feature dropout; an input with this number of dimensions is a single example."""
    if input.ndim == dimensions:
        return _feature_dropout(sample, input.unsqueeze(0), p, training, inplace).squeeze(0)
    return _feature_dropout(sample, input, p, training, inplace)


def _feature_dropout(
    sample: Sample, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Zeroes whole channels (Tompson et al. 2015)."""
    if not training or not p:
        return input
    return _multiplied(input, _kept(sample, _channels(input), p) / (1 - p) if p < 1 else torch.zeros(()), inplace)


def _alpha_dropout(
    sample: Sample, features: bool, input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Keeps mean and variance of SELU's outputs (Klambauer et al. 2017)."""
    if not training or not p:
        return input
    if p == 1:
        return _multiplied(input, torch.zeros(()), inplace)
    mask = _kept(sample, _channels(input) if features else input, p)
    scale = 1 / math.sqrt((ALPHA * ALPHA * p + 1) * (1 - p))
    shift = (mask - 1) * (ALPHA * scale) + ALPHA * scale * p
    product = _multiplied(input, mask * scale, inplace)
    return product.add_(shift) if inplace else product + shift


def _channels(input: Tensor) -> Tensor:
    """B × C × … → B × C × 1 …"""
    for dimension in range(2, input.ndim):
        input = input.narrow(dimension, 0, 1)
    return input.contiguous()


def _multiplied(input: Tensor, mask: Tensor, inplace: bool) -> Tensor:
    return input.mul_(mask) if inplace else input * mask


def _attention(
    sample: Sample,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(QKᵀ · scale + mask)V (Vaswani et al. 2017), with dropout of the attention weights."""
    if not dropout_p or enable_gqa:
        return ORIGINAL_ATTENTION(
            query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
        )
    scores = query @ key.mT * (query.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        scores = scores.masked_fill(~attn_mask, -torch.inf)
    elif attn_mask is not None:
        scores = scores + attn_mask
    return _dropout(sample, scores.softmax(-1), dropout_p) @ value


def _like(sample: Sample, fill: Fill, input: Tensor, *, dtype: torch.dtype | None = None, **_: Any) -> Tensor:
    return _in_memory_order(sample, input if dtype is None else input.to(dtype), fill)


def _of_size(
    sample: Sample, fill: Fill, stacked: Tensor, *size: Any, dtype: torch.dtype | None = None, **_: Any
) -> Tensor:
    shape = size[0] if len(size) == 1 and isinstance(size[0], Sequence) else size
    return random(sample, stacked.new_empty(tuple(shape), dtype=dtype or torch.get_default_dtype()), fill)


class _Random(torch.autograd.Function):
    """An autograd function for the sake of its vmap rule, the only place where the tensors of all trials are seen."""

    @staticmethod
    def forward(like: Tensor, sample: Sample, fill: Any) -> Tensor:
        raise RuntimeError("random numbers of a stack can only be sampled inside torch.vmap")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        raise RuntimeError("random numbers of a stack can only be sampled inside torch.vmap")

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], like: Tensor, sample: Sample, fill: Any
    ) -> tuple[Tensor, int]:
        (dim,) = in_dims[:1]
        one = like if dim is None else like.select(dim, 0)
        return sample(fill, one.shape, one.dtype), 0
