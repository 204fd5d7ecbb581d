"""The cells of recurrent layers of K trials as batched matrix products, with hand-written backward passes.

Each cell is a pair of functions on a block of trials. `forward` starts from the contribution of the inputs to the
gates, iterates over the steps and leaves what `backward` needs in buffers. `backward` iterates in reverse and returns
the gradients of the gates, from which one matrix product over all steps yields those of the weights. Whatever does
not depend on the recurrence is computed for all steps at once; a step is one product and a few in-place kernels.

Shapes: K trials, T steps, B batch, H hidden size; GH: the G gates of size H side by side, in torch's order.
Gradients are called d_NAME. LSTM gates: i input, f forget, g candidate, o output; c memory. GRU gates: r reset,
z update, n candidate.
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
class ForwardCache:
    """What the forward pass of a layer keeps for the backward pass.

    gates: K × T × B × GH, after their activation functions. states and memories (LSTM): K × T+1 × B × H, including
    the initial one. extra: K × T × B × H, of an LSTM tanh(c), of a GRU the hidden contribution to its candidate.
    """

    gates: Tensor
    states: Tensor
    memories: Tensor | None
    extra: Tensor | None
    reverse: bool

    def order(self) -> Sequence[int]:
        """The steps in the order of the recurrence."""
        steps = range(self.gates.shape[1])
        return steps[::-1] if self.reverse else steps

    def before(self, tensor: Tensor) -> Tensor:
        """Of K × T+1 × B × H, what each step starts from, K × T × B × H."""
        return tensor[:, 1:] if self.reverse else tensor[:, :-1]

    def after(self, tensor: Tensor) -> Tensor:
        """Of K × T+1 × B × H, what each step results in, K × T × B × H."""
        return tensor[:, :-1] if self.reverse else tensor[:, 1:]


class CellGradients(NamedTuple):
    """Gradients of a block of trials.

    gates: of the hidden contribution to the gates, K × T × B × GH. That of the inputs has the same gradient, except
    for the candidate of a GRU (candidate: K × T × B × H). state, memory: of the initial ones, K × B × H.
    """

    gates: Tensor
    candidate: Tensor | None
    state: Tensor
    memory: Tensor | None


def tanh_(numbers: Tensor) -> Tensor:
    """tanh in place. On a CPU as 2σ(2x) − 1, which is faster there."""
    if numbers.is_cuda:
        return numbers.tanh_()
    return numbers.mul_(2).sigmoid_().mul_(2).sub_(1)


def by_step(tensor: Tensor, parts: int = 1) -> list[tuple[Tensor, ...]]:
    """K × T × … × parts·H → for each part its views K × … × H at the T steps."""
    return [part.unbind(1) for part in tensor.chunk(parts, -1)]


def lstm_forward(cache: ForwardCache, weight: Tensor, bias: Tensor | None) -> None:
    """c ← f · c + i · g, h ← o · tanh(c) at each step."""
    assert cache.memories is not None and cache.extra is not None
    turned = weight.mT
    gates, (i, f, g, o) = cache.gates.unbind(1), by_step(cache.gates, 4)
    before, after = cache.before(cache.states).unbind(1), cache.after(cache.states).unbind(1)
    c_before, c_after = cache.before(cache.memories).unbind(1), cache.after(cache.memories).unbind(1)
    squashed = cache.extra.unbind(1)
    total = torch.empty_like(gates[0], memory_format=torch.contiguous_format)
    candidate = total.chunk(4, -1)[2]  # tanh as 2σ(2x) − 1, so that one sigmoid computes all four gates
    for t in cache.order():
        torch.baddbmm(gates[t], before[t], turned, out=total)
        candidate.mul_(2)
        torch.sigmoid(total, out=gates[t])
        g[t].mul_(2).sub_(1)
        torch.mul(f[t], c_before[t], out=c_after[t]).addcmul_(i[t], g[t])
        tanh_(squashed[t].copy_(c_after[t]))
        torch.mul(o[t], squashed[t], out=after[t])


def lstm_backward(cache: ForwardCache, weight: Tensor, d_states: Tensor, d_memory: Tensor | None) -> CellGradients:
    assert cache.memories is not None and cache.extra is not None
    i, f, g, o = cache.gates.chunk(4, -1)
    slope = torch.empty_like(cache.gates)
    d_i, d_f, d_g, d_o = slope.chunk(4, -1)
    sigmoid_slope(g, i, grad_input=d_i)
    sigmoid_slope(cache.before(cache.memories), f, grad_input=d_f)
    tanh_slope(i, g, grad_input=d_g)
    sigmoid_slope(cache.extra, o, grad_input=d_o)
    through = aten.tanh_backward(o, cache.extra).unbind(1)
    steps, of_memory, of_state = (
        slope.unbind(1),
        torch.unflatten(slope, -1, (4, -1))[..., :3, :].unbind(1),
        d_o.unbind(1),
    )
    forget, outer = f.unbind(1), d_states.unbind(1)
    d_h = torch.zeros_like(outer[0], memory_format=torch.contiguous_format)
    d_c = torch.zeros_like(d_h) if d_memory is None else d_memory.clone(memory_format=torch.contiguous_format)
    later = None
    for t in reversed(cache.order()):
        _through_weight(outer[t], later, weight, d_h)
        d_c.addcmul_(d_h, through[t])
        of_memory[t].mul_(d_c.unsqueeze(-2))
        of_state[t].mul_(d_h)
        d_c.mul_(forget[t])
        later = steps[t]
    assert later is not None
    return CellGradients(slope, None, torch.bmm(later, weight), d_c)


def _through_weight(outer: Tensor, later: Tensor | None, weight: Tensor, out: Tensor) -> None:
    """The gradient of a state: that from outside, plus that through the gates of the following step."""
    if later is None:
        out.copy_(outer)
    else:
        torch.baddbmm(outer, later, weight, out=out)


def gru_forward(cache: ForwardCache, weight: Tensor, bias: Tensor | None) -> None:
    """n = tanh(inputs + r · hidden), h ← (1 − z) · n + z · h at each step."""
    assert cache.extra is not None
    turned, offset = weight.mT, None if bias is None else bias.unsqueeze(1)
    size = weight.shape[-1]
    update_reset, (r, z, n) = cache.gates[..., : 2 * size].unbind(1), by_step(cache.gates, 3)
    before, after = cache.before(cache.states).unbind(1), cache.after(cache.states).unbind(1)
    hidden = cache.extra.unbind(1)
    total = cache.gates.new_empty(cache.gates[:, 0].shape)
    own_gates, own = total[..., : 2 * size], total[..., 2 * size :]
    for t in cache.order():
        if offset is None:
            torch.bmm(before[t], turned, out=total)
        else:
            torch.baddbmm(offset, before[t], turned, out=total)
        update_reset[t].add_(own_gates).sigmoid_()
        hidden[t].copy_(own)
        tanh_(n[t].addcmul_(r[t], own))
        torch.lerp(n[t], before[t], z[t], out=after[t])


def gru_backward(cache: ForwardCache, weight: Tensor, d_states: Tensor, d_memory: Tensor | None) -> CellGradients:
    assert cache.extra is not None
    r, z, n = cache.gates.chunk(3, -1)
    slope = torch.empty_like(cache.gates)
    d_r, d_z, d_own = slope.chunk(3, -1)
    d_n = aten.tanh_backward(1 - z, n)
    sigmoid_slope(d_n * cache.extra, r, grad_input=d_r)
    sigmoid_slope(cache.before(cache.states) - n, z, grad_input=d_z)
    torch.mul(d_n, r, out=d_own)
    steps, thirds, d_candidate = slope.unbind(1), torch.unflatten(slope, -1, (3, -1)).unbind(1), d_n.unbind(1)
    kept, outer = z.unbind(1), d_states.unbind(1)
    d_h = torch.zeros_like(outer[0], memory_format=torch.contiguous_format)
    passed = torch.empty_like(d_h)
    later = None
    for t in reversed(cache.order()):
        _through_weight(outer[t] if later is None else passed.add_(outer[t]), later, weight, d_h)
        thirds[t].mul_(d_h.unsqueeze(-2))
        d_candidate[t].mul_(d_h)
        torch.mul(d_h, kept[t], out=passed)
        later = steps[t]
    assert later is not None
    return CellGradients(slope, d_n, torch.baddbmm(passed, later, weight), None)


def rnn_forward(cache: ForwardCache, weight: Tensor, bias: Tensor | None, *, relu: bool) -> None:
    """h ← tanh(inputs + W h), or ReLU, at each step."""
    turned, gates = weight.mT, cache.gates.unbind(1)
    before, after = cache.before(cache.states).unbind(1), cache.after(cache.states).unbind(1)
    total = gates[0].new_empty(gates[0].shape)
    for t in cache.order():
        torch.baddbmm(gates[t], before[t], turned, out=total)
        # In `after` the numbers of the trials are not contiguous. Vector kernels process the end of a contiguous run
        # differently, and where it ends must not depend on the other trials.
        after[t].copy_(total)
        torch.relu_(after[t]) if relu else tanh_(after[t])


def rnn_backward(
    cache: ForwardCache, weight: Tensor, d_states: Tensor, d_memory: Tensor | None, *, relu: bool
) -> CellGradients:
    states = cache.after(cache.states)
    slope = (states > 0).to(states.dtype) if relu else torch.mul(states, states).neg_().add_(1)
    steps, outer = slope.unbind(1), d_states.unbind(1)
    d_h = torch.zeros_like(outer[0], memory_format=torch.contiguous_format)
    later = None
    for t in reversed(cache.order()):
        _through_weight(outer[t], later, weight, d_h)
        later = steps[t].mul_(d_h)
    assert later is not None
    return CellGradients(slope, None, torch.bmm(later, weight), None)
