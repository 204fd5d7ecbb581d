"""One recurrent layer, in one direction, of K trials as an autograd function.

Shapes: K trials, T steps, B batch, D features, H hidden size, G·H gates side by side in torch's order.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from mlcli.train.stack.recurrent_cells import (
    CellGradients,
    ForwardCache,
    gru_backward,
    gru_forward,
    lstm_backward,
    lstm_forward,
    rnn_backward,
    rnn_forward,
)

# Bytes of gates in a block of trials, which goes through all steps together and so stays in the processor's cache.
BLOCK = 4_000_000
FUSED = 1024  # elements of an LSTM's state from which torch's kernel for one trial is faster on a CPU
FORWARD: dict[str, Any] = {
    "LSTM": lstm_forward,
    "GRU": gru_forward,
    "RNN_TANH": partial(rnn_forward, relu=False),
    "RNN_RELU": partial(rnn_forward, relu=True),
}
BACKWARD: dict[str, Any] = {
    "LSTM": lstm_backward,
    "GRU": gru_backward,
    "RNN_TANH": partial(rnn_backward, relu=False),
    "RNN_RELU": partial(rnn_backward, relu=True),
}


def recurrent_layer(mode: str, reverse: bool, tensors: Sequence[Tensor | None]) -> tuple[Tensor, Tensor | None]:
    """Returns the states, K × T × B × H, and an LSTM's last memory, K × B × H.

    tensors: inputs K × T × B × D; initial state and memory K × B × H, or None for zeros; weight_ih K × GH × D;
    weight_hh K × GH × H; bias_ih and bias_hh K × GH, or None.
    """
    inputs, weight_hh = tensors[0], tensors[4]
    assert inputs is not None and weight_hh is not None
    tensors = [inputs.to(weight_hh.dtype), *tensors[1:]]
    with torch.autocast(inputs.device.type, enabled=False):  # the layer computes in the dtype of its parameters
        if mode == "LSTM" and _prefers_fused(inputs, weight_hh):
            return _loop_over_trials(reverse, *tensors)  # type: ignore[arg-type]
        keep = torch.is_grad_enabled() and any(each is not None and each.requires_grad for each in tensors)
        return _Layer.apply(mode, reverse, keep, *tensors)  # type: ignore[no-any-return, no-untyped-call]


def _prefers_fused(inputs: Tensor, weight_hh: Tensor) -> bool:
    """Whether torch's fused kernel, trial by trial, is faster than batched products."""
    size = inputs.shape[2] * weight_hh.shape[-1]
    return weight_hh.device.type == "cpu" and weight_hh.dtype == torch.float32 and size >= FUSED


def _loop_over_trials(
    reverse: bool, inputs: Tensor, state: Tensor | None, memory: Tensor | None, *weights: Tensor | None
) -> tuple[Tensor, Tensor]:
    """An LSTM, trial by trial, by oneDNN's kernel. On some processors it uses wider registers than MKL's batched
    products do, which are then slower."""
    zeros = inputs.new_zeros(len(inputs), 1, inputs.shape[2], weights[1].shape[-1])  # type: ignore[union-attr]
    first = [zeros if each is None else each.unsqueeze(1) for each in (state, memory)]
    given = [each for each in weights if each is not None]
    inputs = inputs.flip(1) if reverse else inputs
    training = torch.is_grad_enabled()
    trials = [
        torch._VF.lstm(x, (h, c), own, len(own) > 2, 1, 0.0, training, False, False)
        for x, h, c, *own in zip(*(each.unbind(0) for each in (inputs, *first, *given)), strict=True)
    ]
    states, memories = torch.stack([each[0] for each in trials]), torch.cat([each[2] for each in trials])
    return states.flip(1) if reverse else states, memories


class _Layer(torch.autograd.Function):
    """(mode, reverse, whether to keep what backward needs, tensors of `recurrent_layer`) → its results."""

    @staticmethod
    def forward(ctx: Any, mode: str, reverse: bool, keep: bool, *tensors: Any) -> tuple[Tensor, Tensor | None]:
        inputs, state, memory, weight_ih, weight_hh, bias_ih, bias_hh = tensors
        (trials, steps, batch, _), size = inputs.shape, weight_hh.shape[-1]
        states = weight_hh.new_empty(trials, steps + 1, batch, size)
        states[:, steps if reverse else 0] = 0 if state is None else state
        last = weight_hh.new_empty(trials, batch, size) if mode == "LSTM" else None
        bias = bias_ih if mode == "GRU" or bias_ih is None else bias_ih + bias_hh
        ctx.blocks, ctx.caches = _blocks(weight_hh, steps * batch), []
        for rows in ctx.blocks:
            gates = _project(inputs[rows], weight_ih[rows], None if bias is None else bias[rows])
            cache = _cache(mode, reverse, gates, states[rows], None if memory is None else memory[rows])
            FORWARD[mode](cache, weight_hh[rows], None if bias_hh is None else bias_hh[rows])
            if last is not None and cache.memories is not None:
                last[rows] = cache.memories[:, 0 if reverse else steps]
            if keep:
                ctx.caches.append(cache)
        ctx.save_for_backward(inputs, weight_ih, weight_hh)
        ctx.mode = mode
        ctx.set_materialize_grads(False)
        return (states[:, :-1] if reverse else states[:, 1:]), last

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, d_states: Tensor | None, d_memory: Tensor | None) -> tuple[Any, ...]:
        inputs, weight_ih, weight_hh = ctx.saved_tensors
        if d_states is None:
            d_states = weight_hh.new_zeros(*inputs.shape[:3], weight_hh.shape[-1])
        needs = ctx.needs_input_grad[3:]
        first = torch.empty_like(d_states[:, 0])
        shapes = (inputs, first, first, weight_ih, weight_hh, weight_hh[..., 0], weight_hh[..., 0])
        # New, contiguous tensors: the inputs may be one tensor that is expanded to all trials.
        out = [like.new_empty(like.shape) if need else None for like, need in zip(shapes, needs, strict=True)]
        for rows, cache in zip(ctx.blocks, ctx.caches, strict=True):
            own = None if d_memory is None else d_memory[rows]
            found = BACKWARD[ctx.mode](cache, weight_hh[rows], d_states[rows], own)
            into = [None if each is None else each[rows] for each in out]
            _write(found, cache, inputs[rows], weight_ih[rows], into)
        return None, None, None, *out


def _blocks(weight_hh: Tensor, positions: int) -> list[slice]:
    """Blocks of rows; on a GPU a single one."""
    trials, gates, _ = weight_hh.shape
    fit = BLOCK // (positions * gates * weight_hh.element_size()) if weight_hh.device.type == "cpu" else trials
    count = max(1, fit)
    return [slice(row, row + count) for row in range(0, trials, count)]


def _project(inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The contribution of the inputs to the gates of all steps, K × T × B × GH, as one matrix product."""
    flat, turned = inputs.flatten(1, 2), weight.mT
    gates = torch.bmm(flat, turned) if bias is None else torch.baddbmm(bias.unsqueeze(1), flat, turned)
    return torch.unflatten(gates, 1, inputs.shape[1:3])


def _cache(mode: str, reverse: bool, gates: Tensor, states: Tensor, memory: Tensor | None) -> ForwardCache:
    """Buffers for a block, with the initial state and memory in place."""
    memories, extra = None, None
    if mode == "LSTM":
        memories = torch.empty_like(states)
        memories[:, -1 if reverse else 0] = 0 if memory is None else memory
    if mode in ("LSTM", "GRU"):
        extra = states.new_empty(states[:, 1:].shape)
    return ForwardCache(gates, states, memories, extra, reverse)


def _write(
    found: CellGradients, cache: ForwardCache, inputs: Tensor, weight_ih: Tensor, out: Sequence[Tensor | None]
) -> None:
    """Writes the gradients of the tensors that need one into `out`. Overwrites the gradients of the gates."""
    d_inputs, d_state, d_memory, d_ih, d_hh, d_bias_ih, d_bias_hh = out
    gates = found.gates.flatten(1, 2)
    if d_hh is not None:
        torch.bmm(gates.mT, cache.before(cache.states).flatten(1, 2), out=d_hh)
    if d_bias_hh is not None:
        torch.sum(gates, 1, out=d_bias_hh)
    if found.candidate is not None:
        found.gates[..., -found.candidate.shape[-1] :] = found.candidate
    if d_bias_ih is not None:
        torch.sum(gates, 1, out=d_bias_ih)
    if d_ih is not None:  # transposed, as with few features this product is several times as fast
        d_ih.copy_(torch.bmm(inputs.flatten(1, 2).mT, gates).mT)
    if d_inputs is not None:
        d_inputs.copy_(torch.bmm(gates, weight_ih).view(inputs.shape))
    if d_state is not None:
        d_state.copy_(found.state)
    if d_memory is not None and found.memory is not None:
        d_memory.copy_(found.memory)
