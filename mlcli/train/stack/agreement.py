"""Whether a stack of networks of another package computes what its trials compute alone.

The layers of mlcli are tested against each other; other modules may do anything, such as keep state in globals, in
class attributes or in closures over another network. So the losses, gradients and outputs of two trials are compared
before any trial trains as part of a stack.
"""

import math
from collections.abc import Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from mlcli.cannot_stack import CannotStack
from mlcli.random_numbers import keep_states
from mlcli.train.modes import evaluating
from mlcli.train.protocols import ComputesOutputs, HasLoss
from mlcli.train.stack.side_effects import global_rng_states, require_unchanged_rng
from mlcli.train.stack.stack import Stack
from mlcli.traits import task_traits

BATCHES = 2
# Relative, of norms: rounding is far below, and another sample of dropout or another state far above.
TOLERANCE, COARSE_TOLERANCE = 1e-3, 0.1  # the latter for 16-bit numbers
NEGLIGIBLE = 1e-3  # of the norm of all gradients: that of a parameter may be rounding alone


def is_foreign(model: nn.Module) -> bool:
    """Whether a part of the network is defined outside of mlcli and torch, or the network is one of torch's."""
    homes = {type(module).__module__.partition(".")[0] for module in model.modules()}
    return type(model).__module__.partition(".")[0] != "mlcli" or not homes <= {"mlcli", "torch"}


def require_agreement(tasks: Sequence[Any], stack: Stack) -> None:
    """Raises CannotStack if the stack of these tasks computes other numbers than each of them alone; and whatever
    else a step or an evaluation of one or the other raises. The tasks do not change."""
    first: Any = tasks[0]
    if not isinstance(first, HasLoss) or not task_traits(first).layer_statistics:  # loss takes other batches
        return
    # The stack first: it finds assigned attributes and buffers, which the tasks would not get back.
    with keep_states():
        together = _stacked(stack)
        alone = [_alone(task) for task in tasks]
    name = type(stack.task.model).__name__
    coarse = any(tensor.dtype in (torch.float16, torch.bfloat16) for tensor in stack.stacked.named().values())
    autocast = isinstance(stack.task.update.autocast, torch.autocast)
    tolerance = COARSE_TOLERANCE if coarse or autocast else TOLERANCE
    for row, expected in enumerate(alone):
        for what, tensors in expected.items():
            norms = [float(torch.linalg.vector_norm(tensor)) for tensor in tensors.values() if _is_inexact(tensor)]
            scale = math.hypot(*norms)
            for key, tensor in tensors.items():
                if not _agree(together[what][key][row], tensor, scale * NEGLIGIBLE, tolerance):
                    where = f" of {key}" if key else ""
                    raise CannotStack(f"{name} computes a different {what}{where} in a stack than alone")


def _is_inexact(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


def _agree(got: Tensor, expected: Tensor, negligible: float, tolerance: float) -> bool:
    if got.shape != expected.shape or got.dtype != expected.dtype:
        return False
    if not _is_inexact(expected):
        return torch.equal(got, expected)
    kind = torch.complex128 if expected.is_complex() else torch.float64
    left, right = (tensor.to(kind) for tensor in (got, expected))
    finite = right.isfinite()
    if not torch.equal(finite, left.isfinite()):
        return False
    difference = torch.where(finite, left - right, 0).norm()
    return bool(difference <= tolerance * torch.where(finite, right, 0).norm().clamp(min=negligible) + 1e-12)


Numbers = dict[str, dict[str, Tensor]]  # by what they are, and by name


def _alone(task: Any) -> Numbers:
    """Losses, gradients and buffers of the first batches, and the outputs of an evaluation.

    Not of a copy: a copy of a hook or closure may refer to the parameters of the original, as it would in a stack.
    """
    state = dict(task.model.named_parameters()) | dict(task.model.named_buffers())  # forward may change it
    before = {name: tensor.detach().clone() for name, tensor in state.items()}
    parameters = {name: each for name, each in task.model.named_parameters() if each.requires_grad}
    found: Numbers = {"loss": {}, "gradient": {}}
    for place, batch in enumerate(islice(task.batches(0), BATCHES)):
        with task.update.autocast:
            loss = task.loss(*batch)
        gradients = torch.autograd.grad(loss, list(parameters.values()), materialize_grads=True)
        found["loss"][str(place)] = loss.detach()
        found["gradient"] = dict(zip(parameters, gradients, strict=True))
    found["loss"] = {"": torch.stack(list(found["loss"].values()))}
    found["state"] = {name: tensor.detach().clone() for name, tensor in state.items()}
    method = task.evaluation_outputs if isinstance(task, ComputesOutputs) else task.model
    with torch.no_grad(), evaluating(task.model):
        inputs, _ = next(iter(task.loader.split(_split(task.loader))))
        found["output"] = {"": method(inputs)}
        for name, tensor in state.items():
            tensor.copy_(before[name])
    return found


def _stacked(stack: Stack) -> Numbers:
    """The same of a stack, with a row per trial."""
    found: Numbers = {"gradient": {}}
    losses = []
    states = global_rng_states()
    for batch in islice(stack.batches(0), BATCHES):
        with stack.task.update.autocast:
            losses.append(stack.losses(*batch))
        stack.stacked.backward(losses[-1].sum(), add=False)
    require_unchanged_rng(states)
    found["loss"] = {"": torch.stack([each.detach() for each in losses], 1)}
    leaves = stack.stacked.trained.items()
    found["gradient"] = {name: torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for name, leaf in leaves}
    found["state"] = {name: tensor.detach().clone() for name, tensor in stack.stacked.named().items()}
    method = "evaluation_outputs" if isinstance(stack.task, ComputesOutputs) else "model"
    with torch.no_grad(), evaluating(stack.task.model):
        inputs, _ = next(iter(stack.loader.split(_split(stack.loader.loaders[0]), slice(None))))
        found["output"] = {"": stack.call(method, stack.stacked.named(), stack.per_trial, inputs)}
    stack.guard.check()
    return found


def _split(loader: Any) -> str:
    """A split with examples."""
    return "val" if len(loader.indices["val"]) else "train"
