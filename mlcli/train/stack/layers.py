"""Adapts the layers of a network so that torch.vmap can run them for many trials at once. K trials, B batch, C
channels."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mlcli.random_numbers import Fill
from mlcli.train.model_protocols import samples
from mlcli.train.stack.recurrent import make_recurrent_stackable

# fill, shape of the tensor of one trial, dtype → K × shape, each trial's part filled by its own generator
Sample = Callable[[Fill, Sequence[int], torch.dtype], Tensor]


def make_stackable(model: nn.Module, sample: Sample) -> None:
    """Adapts a model in place. Dropout and modules that sample take the random numbers of each trial from `sample`;
    recurrent layers get a forward that torch.vmap can batch; batch norm becomes independent of the number of
    threads, bit for bit. Other layers that sample make torch.vmap raise."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.forward = partial(_dropout_forward, module, module, sample)  # type: ignore[method-assign]
        elif samples(module):
            module.random = partial(random, sample)
        elif isinstance(module, nn.BatchNorm1d):
            module.forward = partial(_batch_norm, module)  # type: ignore[method-assign]
        elif isinstance(module, nn.RNNBase):
            between = nn.Dropout(module.dropout)
            module.dropout_between_layers = partial(_dropout_forward, between, module, sample)
    make_recurrent_stackable(model)


def _dropout_forward(settings: nn.Dropout, layer: nn.Module, sample: Sample, inputs: Tensor) -> Tensor:
    """Dropout with the probability of `settings`, while `layer` is in training mode."""
    return dropout(inputs, settings.p, sample) if layer.training and settings.p else inputs


def _batch_norm(layer: nn.BatchNorm1d, inputs: Tensor) -> Tensor:
    """Batch norm of vectors B × C as of one sequence C × B. torch sums over vectors in as many parts as there are
    threads, but over the positions of a channel in one, so the result does not depend on the number of threads."""
    if inputs.ndim == 3:
        return nn.BatchNorm1d.forward(layer, inputs)
    return nn.BatchNorm1d.forward(layer, inputs.T.unsqueeze(0)).squeeze(0).T


def dropout(inputs: Tensor, probability: float, sample: Sample) -> Tensor:
    """Zeroes elements with this probability and scales up the rest (Srivastava et al. 2014). Only inside vmap."""
    keep = 1 - probability
    mask = random(sample, inputs, lambda mask, generator: mask.bernoulli_(keep, generator=generator))
    return inputs * (mask / keep if keep else mask)


def random(sample: Sample, like: Tensor, fill: Fill) -> Tensor:
    """A tensor like this one, filled with random numbers by each trial's generator. Only inside torch.vmap."""
    return _Random.apply(like.detach(), sample, fill)  # type: ignore[no-any-return, no-untyped-call]


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
