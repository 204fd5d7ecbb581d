"""Recurrent layers for stacks: the LSTM, GRU and RNN of many trials as batched matrix products over the trials.

torch's own kernels have no batching rule. Here the input's part of all steps is one product, each step is another,
and the backward pass is written out: weights get their gradient from one product over all steps, where autograd
would add up a product for each. Shapes: K trials, T steps, B batch, D features, H hidden size, G·H gates.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcli.train.recurrent_cells import GRUCells, LSTMCells, RNNCells

CHUNK = 8  # trials
CELLS: dict[str, Any] = {
    "LSTM": LSTMCells,
    "GRU": GRUCells,
    "RNN_TANH": RNNCells,
    "RNN_RELU": RNNCells,
}


def stack_recurrent(model: nn.Module) -> None:
    """Gives every nn.RNN, nn.GRU and nn.LSTM of the model a forward that torch.vmap can batch over trials.

    A layer's `dropout_between_layers`, if it has one, is called instead of F.dropout, with T × B × width.
    Raises ValueError for an LSTM with projections.
    """
    for module in model.modules():
        if isinstance(module, nn.RNNBase):
            if module.proj_size:
                raise ValueError("an LSTM with proj_size has no stacked form")
            module.forward = partial(_forward, module)


def _forward(module: nn.RNNBase, inputs: Tensor, hx: Any = None) -> tuple[Tensor, Any]:
    """As torch's forward of the module, for padded batches."""
    if not isinstance(inputs, Tensor) or inputs.dim() != 3:
        raise ValueError("a stack needs padded batches, batch × steps × features")
    outputs = inputs.transpose(0, 1) if module.batch_first else inputs
    first = _initial(module, outputs, hx)
    default = partial(F.dropout, p=module.dropout, training=module.training)
    dropout: Callable[[Tensor], Tensor] = getattr(module, "dropout_between_layers", default)
    last: list[tuple[Tensor, ...]] = []
    suffixes = ("", "_reverse") if module.bidirectional else ("",)
    for layer in range(module.num_layers):
        if layer and module.dropout:
            outputs = dropout(outputs)
        directions = []
        for reverse, suffix in enumerate(suffixes):
            index = layer * len(suffixes) + reverse
            weights = [getattr(module, f"{name}_l{layer}{suffix}", None) for name in NAMES]
            steps = outputs.flip(0) if reverse else outputs
            hidden, *ends = _layer(module.mode, steps, *(each[index] for each in first), *weights)
            directions.append(hidden.flip(0) if reverse else hidden)
            last.append(tuple(ends))
        outputs = torch.cat(directions, -1) if module.bidirectional else directions[0]
    final = tuple(torch.stack(each) for each in zip(*last, strict=True))
    outputs = outputs.transpose(0, 1) if module.batch_first else outputs
    return outputs, final if module.mode == "LSTM" else final[0]


NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def _initial(module: nn.RNNBase, inputs: Tensor, hx: Any) -> tuple[Tensor, Tensor]:
    """Hidden state and memory before the first step, layers·directions × B × H each; zero unless given."""
    if hx is None:
        count = module.num_layers * (2 if module.bidirectional else 1)
        zeros = inputs.new_zeros(count, inputs.shape[1], module.hidden_size)
        return zeros, zeros
    return hx if module.mode == "LSTM" else (hx, torch.zeros_like(hx))


def _layer(mode: str, *tensors: Tensor | None) -> tuple[Tensor, ...]:
    return _Layer.apply(mode, *tensors)  # type: ignore[no-any-return, no-untyped-call]


class _Layer(torch.autograd.Function):
    """One layer in one direction: T × B × D → T × B × H and the last state (and memory). A name for torch.vmap to
    find its rule by; without vmap there is one trial."""

    @staticmethod
    def forward(mode: str, *tensors: Tensor | None) -> tuple[Tensor, ...]:
        raise RuntimeError("a stack's recurrent layer was called outside of torch.vmap")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Never reached: vmap's rule takes over."""

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], mode: str, *tensors: Tensor | None) -> tuple[Any, Any]:
        stacked = [
            None
            if tensor is None
            else (tensor.expand(info.batch_size, *tensor.shape) if dim is None else tensor.movedim(dim, 0))
            for tensor, dim in zip(tensors, in_dims[1:], strict=True)
        ]
        outputs = _in_chunks(mode, stacked)
        return outputs, (0,) * len(outputs)


def _in_chunks(mode: str, tensors: list[Tensor | None]) -> tuple[Tensor, ...]:
    """On a processor, as many trials at a time as its cache likes; an LSTM, by torch's own kernel for one trial."""
    first = tensors[0]
    assert first is not None
    run, size = CELLS[mode].apply, len(first)
    if first.device.type == "cpu":
        run, size = (_one_lstm, 1) if mode == "LSTM" else (run, CHUNK)
    chunks = [[None] * -(-len(first) // size) if each is None else torch.split(each, size) for each in tensors]
    outputs = [run(mode, *chunk) for chunk in zip(*chunks, strict=True)]
    return tuple(torch.cat(each) for each in zip(*outputs, strict=True))


def _one_lstm(
    mode: str, inputs: Tensor, state: Tensor, memory: Tensor, *weights: Tensor | None
) -> tuple[Tensor, ...]:
    """Of one trial, whose tensors have a leading axis of length 1. torch's kernel is fused, in wider registers than
    its matrix products use on some processors: no batched product was faster on the CPU."""
    given = [weight.squeeze(0) for weight in weights if weight is not None]
    hx = (state, memory)
    training = torch.is_grad_enabled()
    states, h, c = torch._VF.lstm(inputs.squeeze(0), hx, given, len(given) > 2, 1, 0.0, training, False, False)
    return states.unsqueeze(0), h, c
