"""A recurrent layer of K trials over all steps, forward and backward, as batched matrix products.

Shapes: K trials, T steps, B batch, D features, H hidden size. Gates lie side by side as torch has them: LSTM i f g o,
GRU r z n. Every Function takes (mode, inputs K×T×B×D, state K×B×H, memory K×B×H, weight_ih K×GH×D, weight_hh K×GH×H,
bias_ih and bias_hh K×GH or None), and returns the states K×T×B×H and the last state (an LSTM also its memory).
"""

from typing import Any

import torch
from torch import Tensor


def project(inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """K×T×B×D by K×GH×D: the inputs' part of all steps, K×T×B×GH."""
    trials, steps, batch, _ = inputs.shape
    flat = inputs.reshape(trials, steps * batch, -1)
    turned = weight.transpose(1, 2)
    out = torch.bmm(flat, turned) if bias is None else torch.baddbmm(bias.unsqueeze(1), flat, turned)
    return out.view(trials, steps, batch, -1)


def before(states: Tensor, first: Tensor) -> Tensor:
    """The state that each step began with, K×T×B×H."""
    return torch.cat([first.unsqueeze(1), states[:, :-1]], 1)


def weight_gradients(
    gates: Tensor, inputs: Tensor, weight: Tensor, needed: bool
) -> tuple[Tensor | None, Tensor, Tensor]:
    """From the gradient of the projections K×T×B×GH: of the inputs, of the weight and of the bias."""
    flat_gates, flat_inputs = gates.flatten(1, 2), inputs.flatten(1, 2)
    of_inputs = torch.bmm(flat_gates, weight).view(inputs.shape) if needed else None
    return of_inputs, torch.bmm(flat_gates.transpose(1, 2), flat_inputs), flat_gates.sum(1)


class LSTMCells(torch.autograd.Function):
    """Hochreiter & Schmidhuber 1997, with forget gates, as torch.nn.LSTM."""

    @staticmethod
    def forward(ctx: Any, mode: str, inputs: Tensor, state: Tensor, memory: Tensor, *weights: Any) -> Any:
        weight_ih, weight_hh, bias_ih, bias_hh = weights
        bias = None if bias_ih is None else bias_ih + bias_hh
        gates = project(inputs, weight_ih, bias)
        size = state.shape[-1]
        states = inputs.new_empty(*gates.shape[:3], size)
        memories, squashed = torch.empty_like(states), torch.empty_like(states)
        turned, h, c = weight_hh.transpose(1, 2), state, memory
        for t in range(gates.shape[1]):
            step = gates[:, t].baddbmm_(h, turned)
            step[..., : 2 * size].sigmoid_()
            step[..., 2 * size : 3 * size].tanh_()
            step[..., 3 * size :].sigmoid_()
            i, f, g, o = step.chunk(4, -1)
            c = torch.mul(f, c, out=memories[:, t]).addcmul_(i, g)
            h = torch.mul(o, torch.tanh(c, out=squashed[:, t]), out=states[:, t])
        ctx.save_for_backward(inputs, state, memory, weight_ih, weight_hh, gates, states, memories, squashed)
        ctx.biased = bias is not None
        return states, h.clone(), c.clone()

    @staticmethod
    def backward(ctx: Any, d_states: Tensor, d_h: Tensor, d_c: Tensor) -> Any:
        inputs, state, memory, weight_ih, weight_hh, gates, states, memories, squashed = ctx.saved_tensors
        i, f, g, o = gates.chunk(4, -1)
        # What of each gate's gradient does not depend on later steps, for all steps at once.
        slope = torch.empty_like(gates)
        d_i, d_f, d_g, d_o = slope.chunk(4, -1)
        torch.mul(i * (1 - i), g, out=d_i)
        torch.mul(f * (1 - f), before(memories, memory), out=d_f)
        torch.mul(1 - g * g, i, out=d_g)
        torch.mul(o * (1 - o), squashed, out=d_o)
        through = o * (1 - squashed * squashed)
        for t in reversed(range(gates.shape[1])):
            d_h = d_h + d_states[:, t]
            d_c = torch.addcmul(d_c, d_h, through[:, t])
            size = d_h.shape[-1]
            step = slope[:, t]
            torch.unflatten(step[..., : 3 * size], -1, (3, size)).mul_(d_c.unsqueeze(-2))
            step[..., 3 * size :].mul_(d_h)
            d_c = d_c * f[:, t]
            d_h = torch.bmm(step, weight_hh)
        d_inputs, d_ih, d_bias = weight_gradients(slope, inputs, weight_ih, ctx.needs_input_grad[1])
        d_hh = torch.bmm(slope.flatten(1, 2).transpose(1, 2), before(states, state).flatten(1, 2))
        biases = (d_bias, d_bias) if ctx.biased else (None, None)
        return None, d_inputs, d_h, d_c, d_ih, d_hh, *biases


class GRUCells(torch.autograd.Function):
    """Cho et al. 2014, in the form of torch.nn.GRU: the reset gate acts after the recurrent product."""

    @staticmethod
    def forward(ctx: Any, mode: str, inputs: Tensor, state: Tensor, memory: Tensor, *weights: Any) -> Any:
        weight_ih, weight_hh, bias_ih, bias_hh = weights
        gates = project(inputs, weight_ih, bias_ih)
        size = state.shape[-1]
        states, candidates = (inputs.new_empty(*gates.shape[:3], size) for _ in range(2))
        turned, h = weight_hh.transpose(1, 2), state
        for t in range(gates.shape[1]):
            own = torch.bmm(h, turned) if bias_hh is None else torch.baddbmm(bias_hh.unsqueeze(1), h, turned)
            step = gates[:, t]
            step[..., : 2 * size].add_(own[..., : 2 * size]).sigmoid_()
            r, z, n = step.chunk(3, -1)
            candidates[:, t] = own[..., 2 * size :]
            n.addcmul_(r, candidates[:, t]).tanh_()
            h = torch.addcmul(n, z, h - n, out=states[:, t])
        ctx.save_for_backward(inputs, state, weight_ih, weight_hh, gates, states, candidates)
        ctx.biased = bias_ih is not None
        return states, h.clone()

    @staticmethod
    def backward(ctx: Any, d_states: Tensor, d_h: Tensor) -> Any:
        inputs, state, weight_ih, weight_hh, gates, states, candidates = ctx.saved_tensors
        r, z, n = gates.chunk(3, -1)
        earlier = before(states, state)
        slope, own = torch.empty_like(gates), torch.empty_like(gates)
        size = state.shape[-1]
        of_n = (1 - z) * (1 - n * n)
        # Factors of the state's gradient in those of r, z and n, for all steps at once.
        torch.mul(of_n * candidates, r * (1 - r), out=slope[..., :size])
        torch.mul(earlier - n, z * (1 - z), out=slope[..., size : 2 * size])
        slope[..., 2 * size :] = of_n
        own[..., : 2 * size] = slope[..., : 2 * size]
        torch.mul(of_n, r, out=own[..., 2 * size :])
        for t in reversed(range(gates.shape[1])):
            d_h = d_h + d_states[:, t]
            torch.unflatten(slope[:, t], -1, (3, size)).mul_(d_h.unsqueeze(-2))
            torch.unflatten(own[:, t], -1, (3, size)).mul_(d_h.unsqueeze(-2))
            d_h = torch.baddbmm(d_h * z[:, t], own[:, t], weight_hh)
        d_inputs, d_ih, d_bias_ih = weight_gradients(slope, inputs, weight_ih, ctx.needs_input_grad[1])
        _, d_hh, d_bias_hh = weight_gradients(own, earlier, weight_hh, needed=False)
        biases = (d_bias_ih, d_bias_hh) if ctx.biased else (None, None)
        return None, d_inputs, d_h, None, d_ih, d_hh, *biases


class RNNCells(torch.autograd.Function):
    """Elman 1990, with tanh or ReLU, as torch.nn.RNN."""

    @staticmethod
    def forward(ctx: Any, mode: str, inputs: Tensor, state: Tensor, memory: Tensor, *weights: Any) -> Any:
        weight_ih, weight_hh, bias_ih, bias_hh = weights
        states = project(inputs, weight_ih, None if bias_ih is None else bias_ih + bias_hh)
        turned, h = weight_hh.transpose(1, 2), state
        for t in range(states.shape[1]):
            h = states[:, t].baddbmm_(h, turned)
            h = h.tanh_() if mode == "RNN_TANH" else h.relu_()
        ctx.save_for_backward(inputs, state, weight_ih, weight_hh, states)
        ctx.tanh, ctx.biased = mode == "RNN_TANH", bias_ih is not None
        return states, h.clone()

    @staticmethod
    def backward(ctx: Any, d_states: Tensor, d_h: Tensor) -> Any:
        inputs, state, weight_ih, weight_hh, states = ctx.saved_tensors
        slope = 1 - states * states if ctx.tanh else (states > 0).to(states.dtype)
        for t in reversed(range(states.shape[1])):
            step = slope[:, t].mul_(d_h + d_states[:, t])
            d_h = torch.bmm(step, weight_hh)
        d_inputs, d_ih, d_bias = weight_gradients(slope, inputs, weight_ih, ctx.needs_input_grad[1])
        d_hh = torch.bmm(slope.flatten(1, 2).transpose(1, 2), before(states, state).flatten(1, 2))
        biases = (d_bias, d_bias) if ctx.biased else (None, None)
        return None, d_inputs, d_h, None, d_ih, d_hh, *biases
