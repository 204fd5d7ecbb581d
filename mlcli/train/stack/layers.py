"""What a network's layers need before torch.vmap can run them for many trials at once."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mlcli.random_numbers import Fill
from mlcli.train.model_protocols import Samples
from mlcli.train.stack.recurrent import stack_recurrent

# what fills a tensor by a generator, shape of one trial's tensor, dtype → K × shape, each trial's by its own
Draw = Callable[[Fill, Sequence[int], torch.dtype], Tensor]


def make_stackable(model: nn.Module, draw: Draw) -> None:
    """Changes the model in place: dropout and modules with a `random` take each trial's numbers from `draw`, and
    recurrent layers get a forward that batches. Others that draw random numbers make torch.vmap raise. What is
    computed is the same, bit by bit, for any number of threads."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.forward = partial(_forward, module, module, draw)  # type: ignore[method-assign]
        elif isinstance(module, Samples):
            module.random = partial(random, draw)
        elif isinstance(module, nn.BatchNorm1d):
            module.forward = partial(_batch_norm, module)  # type: ignore[method-assign]
        elif isinstance(module, nn.RNNBase):
            between = nn.Dropout(module.dropout)
            module.dropout_between_layers = partial(_forward, between, module, draw)
    stack_recurrent(model)


def _forward(settings: nn.Dropout, layer: nn.Module, draw: Draw, inputs: Tensor) -> Tensor:
    return dropout(inputs, settings.p, draw) if layer.training and settings.p else inputs


def _batch_norm(layer: nn.BatchNorm1d, inputs: Tensor) -> Tensor:
    """Of vectors, B × C, as of one sequence of length B: torch adds vectors up in as many parts as there are threads,
    the positions of a channel in one."""
    if inputs.ndim == 3:
        return nn.BatchNorm1d.forward(layer, inputs)
    return nn.BatchNorm1d.forward(layer, inputs.T.unsqueeze(0)).squeeze(0).T


def dropout(inputs: Tensor, probability: float, draw: Draw) -> Tensor:
    """Zeroes numbers with this probability and scales up the rest (Srivastava et al. 2014); under vmap alone."""
    keep = 1 - probability
    mask = random(draw, inputs, lambda mask, generator: mask.bernoulli_(keep, generator=generator))
    return inputs * (mask / keep if keep else mask)


def random(draw: Draw, like: Tensor, fill: Fill) -> Tensor:
    """A tensor like this one, filled with random numbers of each trial; under vmap alone."""
    return _Random.apply(like.detach(), draw, fill)  # type: ignore[no-any-return, no-untyped-call]


class _Random(torch.autograd.Function):
    """A name for torch.vmap to find its rule by: only there are all trials at hand at once."""

    @staticmethod
    def forward(like: Tensor, draw: Draw, fill: Any) -> Tensor:
        raise RuntimeError("random numbers of a stack were asked for outside of it")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        raise RuntimeError("random numbers of a stack were asked for outside of it")

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], like: Tensor, draw: Draw, fill: Any) -> tuple[Tensor, int]:
        (dim,) = in_dims[:1]
        one = like if dim is None else like.select(dim, 0)
        return draw(fill, one.shape, one.dtype), 0
