"""What a network's layers need before torch.vmap can run them for many trials at once."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mlcli.train.recurrent_stack import stack_recurrent

# probability, shape of one trial's tensor, dtype → K × shape of ones with this probability, else zeros
Draw = Callable[[float, Sequence[int], torch.dtype], Tensor]


def make_stackable(model: nn.Module, draw: Draw) -> None:
    """Changes the model in place: dropout takes each trial's masks from `draw`, and recurrent layers get a forward
    that batches. Other layers that draw random numbers make torch.vmap raise."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.forward = partial(_forward, module, module, draw)  # type: ignore[method-assign]
        elif isinstance(module, nn.RNNBase):
            between = nn.Dropout(module.dropout)
            module.dropout_between_layers = partial(_forward, between, module, draw)
    stack_recurrent(model)


def _forward(settings: nn.Dropout, layer: nn.Module, draw: Draw, inputs: Tensor) -> Tensor:
    return dropout(inputs, settings.p, draw) if layer.training and settings.p else inputs


def dropout(inputs: Tensor, probability: float, draw: Draw) -> Tensor:
    """Zeroes numbers with this probability and scales up the rest (Srivastava et al. 2014); under vmap alone."""
    return _Dropout.apply(inputs, probability, draw)  # type: ignore[no-any-return, no-untyped-call]


class _Dropout(torch.autograd.Function):
    """A name for torch.vmap to find its rule by: only there are all trials' tensors at hand at once."""

    @staticmethod
    def forward(inputs: Tensor, probability: float, draw: Draw) -> Tensor:
        raise RuntimeError("dropout of a stack was called outside of it")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        raise RuntimeError("dropout of a stack was called outside of it")

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], inputs: Tensor, probability: float, draw: Draw
    ) -> tuple[Tensor, int]:
        (dim,) = in_dims[:1]
        stacked = inputs.expand(info.batch_size, *inputs.shape) if dim is None else inputs.movedim(dim, 0)
        keep = 1 - probability
        mask = draw(keep, stacked.shape[1:], stacked.dtype)
        return stacked * (mask.div_(keep) if keep else mask), 0
