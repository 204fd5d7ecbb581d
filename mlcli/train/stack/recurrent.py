"""nn.RNN, nn.GRU and nn.LSTM for stacks: the recurrent layers of many trials as one computation.

torch.vmap has no rule for torch's own kernels, so an autograd function with such a rule replaces them, with the same
parameters. Shapes: T steps, B batch, D features, H hidden size.
"""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcli.cannot_stack import CannotStack
from mlcli.train.stack.recurrent_layer import recurrent_layer

WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def make_recurrent_stackable(model: nn.Module) -> None:
    """Gives every nn.RNN, nn.GRU and nn.LSTM of the model a forward that torch.vmap can batch over trials.

    Its arguments and results are those of torch's own, for padded batches; packed sequences raise CannotStack. A
    subclass with a forward of its own keeps it. Raises CannotStack for an LSTM with projections.
    """
    for module in model.modules():
        if isinstance(module, nn.RNNBase) and any(has_forward_of(module, kind) for kind in (nn.RNN, nn.GRU, nn.LSTM)):
            if module.proj_size:
                raise CannotStack("an LSTM with proj_size has no stacked form")
            module.forward = partial(_forward, module)


def has_forward_of(module: nn.Module, kind: type[nn.Module]) -> bool:
    """Whether the module's forward is that of this class, and not one of a subclass or of the instance."""
    return type(module).forward is kind.forward and "forward" not in vars(module)


def _forward(module: nn.RNNBase, inputs: Tensor, hx: Any = None) -> tuple[Tensor, Any]:
    if not isinstance(inputs, Tensor) or inputs.dim() != 3:
        raise CannotStack("a stack needs padded batches, batch × steps × features")
    outputs = inputs.transpose(0, 1) if module.batch_first else inputs
    drop = partial(F.dropout, p=module.dropout, training=module.training)
    states, memories = hx if module.mode == "LSTM" and hx is not None else (hx, None)
    finals: list[tuple[Tensor, Tensor | None]] = []  # last state and memory by layer and direction
    for layer in range(module.num_layers):
        outputs = drop(outputs) if layer and module.dropout else outputs
        directions = []
        for suffix in ("", "_reverse") if module.bidirectional else ("",):
            weights = [getattr(module, f"{name}_l{layer}{suffix}", None) for name in WEIGHTS]
            initial = [None if each is None else each[len(finals)] for each in (states, memories)]
            own, memory = _layer(module.mode, bool(suffix), outputs, *initial, *weights)
            directions.append(own)
            finals.append((own[0] if suffix else own[-1], memory))
        outputs = torch.cat(directions, -1) if module.bidirectional else directions[0]
    h_n = torch.stack([state for state, _ in finals])
    last: Any = (h_n, torch.stack([c for _, c in finals if c is not None])) if module.mode == "LSTM" else h_n
    return outputs.transpose(0, 1) if module.batch_first else outputs, last


def _layer(mode: str, reverse: bool, *tensors: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """One layer in one direction: T × B × D → outputs T × B × H, and an LSTM's last memory, B × H."""
    if any(each is not None and torch._C._functorch.is_batchedtensor(each) for each in tensors):
        return _RecurrentLayer.apply(mode, reverse, *tensors)  # type: ignore[no-any-return, no-untyped-call]
    states, memory = recurrent_layer(mode, reverse, [None if each is None else each.unsqueeze(0) for each in tensors])
    return states[0], None if memory is None else memory[0]


class _RecurrentLayer(torch.autograd.Function):
    """An autograd function for the sake of its vmap rule, the only place where the tensors of all trials are seen."""

    @staticmethod
    def forward(mode: str, reverse: bool, *tensors: Tensor | None) -> Any:
        raise RuntimeError("a stacked recurrent layer can only be called inside torch.vmap")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        raise RuntimeError("a stacked recurrent layer can only be called inside torch.vmap")

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[Any, ...], mode: str, reverse: bool, *tensors: Tensor | None
    ) -> tuple[Any, Any]:
        stacked = [
            None
            if each is None
            else each.expand(info.batch_size, *each.shape)
            if dim is None
            else each.movedim(dim, 0)
            for each, dim in zip(tensors, in_dims[2:], strict=True)
        ]
        states, memory = recurrent_layer(mode, reverse, stacked)
        return (states, memory), (0, None if memory is None else 0)
