"""Recurrent layers of K trials as batched matrix products over the trials, with the backward pass written out.

Each cell is a pair of functions on a block of trials. `forward` takes the inputs' part of all gates, goes through the
steps and leaves in the buffers what `backward` needs; `backward` goes back through them and gives the gradient of the
gates, from which weights get theirs in one product over all steps. All that does not depend on later steps is
computed for all steps at once; a step is one product and a few kernels that write into buffers.

Shapes: K trials, T steps, B batch, H hidden size, G·H gates side by side, in torch's order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

aten = torch.ops.aten
sigmoid_slope = aten.sigmoid_backward.grad_input
tanh_slope = aten.tanh_backward.grad_input


@dataclass
class Trace:
    """What the forward pass of a layer keeps, in the order in which the steps are gone through.

    gates: K × T × B × GH. states and memories (LSTM): K × T+1 × B × H, with the one before the first step.
    extra: K × T × B × H, of an LSTM the tanh of its memory, of a GRU the hidden part of its candidate.
    """

    gates: Tensor
    states: Tensor
    memories: Tensor | None
    extra: Tensor | None
    reverse: bool

    def order(self) -> Sequence[int]:
        steps = range(self.gates.shape[1])
        return steps[::-1] if self.reverse else steps

    def before(self, tensor: Tensor) -> Tensor:
        """Of K × T+1 × B × H, what each step begins with."""
        return tensor[:, 1:] if self.reverse else tensor[:, :-1]

    def after(self, tensor: Tensor) -> Tensor:
        return tensor[:, :-1] if self.reverse else tensor[:, 1:]


class Gradients(NamedTuple):
    """Of a block of trials: of the gates' hidden part, K × T × B × GH, which is that of the inputs' part but for a
    GRU's candidate, K × T × B × H; and of what the first step began with, K × B × H."""

    gates: Tensor
    candidate: Tensor | None
    state: Tensor
    memory: Tensor | None


def tanh_(numbers: Tensor) -> Tensor:
    """In place. On a CPU the vectorised sigmoid takes a tenth of the time of tanh."""
    if numbers.is_cuda:
        return numbers.tanh_()
    return numbers.mul_(2).sigmoid_().mul_(2).sub_(1)


def steps_of(tensor: Tensor, parts: int = 1) -> list[tuple[Tensor, ...]]:
    """Views of each of the parts at each step."""
    return [part.unbind(1) for part in tensor.chunk(parts, -1)]


def lstm_forward(trace: Trace, weight: Tensor, bias: Tensor | None) -> None:
    assert trace.memories is not None and trace.extra is not None
    turned = weight.mT
    gates, (i, f, g, o) = trace.gates.unbind(1), steps_of(trace.gates, 4)
    before, after = trace.before(trace.states).unbind(1), trace.after(trace.states).unbind(1)
    c_before, c_after = trace.before(trace.memories).unbind(1), trace.after(trace.memories).unbind(1)
    squashed = trace.extra.unbind(1)
    total = torch.empty_like(gates[0], memory_format=torch.contiguous_format)
    candidate = total.chunk(4, -1)[2]
    for t in trace.order():
        torch.baddbmm(gates[t], before[t], turned, out=total)
        candidate.mul_(2)
        torch.sigmoid(total, out=gates[t])
        g[t].mul_(2).sub_(1)
        torch.mul(f[t], c_before[t], out=c_after[t]).addcmul_(i[t], g[t])
        tanh_(squashed[t].copy_(c_after[t]))
        torch.mul(o[t], squashed[t], out=after[t])


def lstm_backward(trace: Trace, weight: Tensor, d_states: Tensor, d_memory: Tensor | None) -> Gradients:
    assert trace.memories is not None and trace.extra is not None
    i, f, g, o = trace.gates.chunk(4, -1)
    slope = torch.empty_like(trace.gates)
    d_i, d_f, d_g, d_o = slope.chunk(4, -1)
    sigmoid_slope(g, i, grad_input=d_i)
    sigmoid_slope(trace.before(trace.memories), f, grad_input=d_f)
    tanh_slope(i, g, grad_input=d_g)
    sigmoid_slope(trace.extra, o, grad_input=d_o)
    through = aten.tanh_backward(o, trace.extra).unbind(1)
    steps, of_memory, of_state = (
        slope.unbind(1),
        torch.unflatten(slope, -1, (4, -1))[..., :3, :].unbind(1),
        d_o.unbind(1),
    )
    forget, outer = f.unbind(1), d_states.unbind(1)
    d_h = torch.zeros_like(outer[0], memory_format=torch.contiguous_format)
    d_c = torch.zeros_like(d_h) if d_memory is None else d_memory.clone(memory_format=torch.contiguous_format)
    later = None
    for t in reversed(trace.order()):
        _through_weight(outer[t], later, weight, d_h)
        d_c.addcmul_(d_h, through[t])
        of_memory[t].mul_(d_c.unsqueeze(-2))
        of_state[t].mul_(d_h)
        d_c.mul_(forget[t])
        later = steps[t]
    assert later is not None
    return Gradients(slope, None, torch.bmm(later, weight), d_c)


def _through_weight(outer: Tensor, later: Tensor | None, weight: Tensor, out: Tensor) -> None:
    """The gradient of a state: from outside, and through the gates of the step after it."""
    if later is None:
        out.copy_(outer)
    else:
        torch.baddbmm(outer, later, weight, out=out)


def gru_forward(trace: Trace, weight: Tensor, bias: Tensor | None) -> None:
    assert trace.extra is not None
    turned, offset = weight.mT, None if bias is None else bias.unsqueeze(1)
    size = weight.shape[-1]
    update_reset, (r, z, n) = trace.gates[..., : 2 * size].unbind(1), steps_of(trace.gates, 3)
    before, after = trace.before(trace.states).unbind(1), trace.after(trace.states).unbind(1)
    hidden = trace.extra.unbind(1)
    total = trace.gates.new_empty(trace.gates[:, 0].shape)
    own_gates, own = total[..., : 2 * size], total[..., 2 * size :]
    for t in trace.order():
        if offset is None:
            torch.bmm(before[t], turned, out=total)
        else:
            torch.baddbmm(offset, before[t], turned, out=total)
        update_reset[t].add_(own_gates).sigmoid_()
        hidden[t].copy_(own)
        tanh_(n[t].addcmul_(r[t], own))
        torch.lerp(n[t], before[t], z[t], out=after[t])


def gru_backward(trace: Trace, weight: Tensor, d_states: Tensor, d_memory: Tensor | None) -> Gradients:
    assert trace.extra is not None
    r, z, n = trace.gates.chunk(3, -1)
    slope = torch.empty_like(trace.gates)
    d_r, d_z, d_own = slope.chunk(3, -1)
    d_n = aten.tanh_backward(1 - z, n)
    sigmoid_slope(d_n * trace.extra, r, grad_input=d_r)
    sigmoid_slope(trace.before(trace.states) - n, z, grad_input=d_z)
    torch.mul(d_n, r, out=d_own)
    steps, thirds, d_candidate = slope.unbind(1), torch.unflatten(slope, -1, (3, -1)).unbind(1), d_n.unbind(1)
    kept, outer = z.unbind(1), d_states.unbind(1)
    d_h = torch.zeros_like(outer[0], memory_format=torch.contiguous_format)
    passed = torch.empty_like(d_h)
    later = None
    for t in reversed(trace.order()):
        _through_weight(outer[t] if later is None else passed.add_(outer[t]), later, weight, d_h)
        thirds[t].mul_(d_h.unsqueeze(-2))
        d_candidate[t].mul_(d_h)
        torch.mul(d_h, kept[t], out=passed)
        later = steps[t]
    assert later is not None
    return Gradients(slope, d_n, torch.baddbmm(passed, later, weight), None)


def rnn_forward(trace: Trace, weight: Tensor, bias: Tensor | None, *, relu: bool) -> None:
    turned, gates = weight.mT, trace.gates.unbind(1)
    before, after = trace.before(trace.states).unbind(1), trace.after(trace.states).unbind(1)
    total = gates[0].new_empty(gates[0].shape)
    for t in trace.order():
        torch.baddbmm(gates[t], before[t], turned, out=total)
        # In `after` each trial's numbers lie apart: vector kernels treat the end of a row otherwise than its middle,
        # and what is the end must not depend on the other trials.
        after[t].copy_(total)
        torch.relu_(after[t]) if relu else tanh_(after[t])


def rnn_backward(trace: Trace, weight: Tensor, d_states: Tensor, d_memory: Tensor | None, *, relu: bool) -> Gradients:
    states = trace.after(trace.states)
    slope = (states > 0).to(states.dtype) if relu else torch.mul(states, states).neg_().add_(1)
    steps, outer = slope.unbind(1), d_states.unbind(1)
    d_h = torch.zeros_like(outer[0], memory_format=torch.contiguous_format)
    later = None
    for t in reversed(trace.order()):
        _through_weight(outer[t], later, weight, d_h)
        later = steps[t].mul_(d_h)
    assert later is not None
    return Gradients(slope, None, torch.bmm(later, weight), None)
