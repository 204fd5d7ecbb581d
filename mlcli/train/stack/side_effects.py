"""Side effects of computing a loss that a stack would lose, or share between trials; they raise CannotStack.

A stack calls the methods of one copy of the first task for all trials, with the weights and buffers of each trial put
into its model. Anything else that a call changes would be shared by all trials: an attribute, a replaced buffer, or
the state of a global random generator.
"""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mlcli.cannot_stack import CannotStack

TORCH_ATTRIBUTES = {*vars(nn.Module()), "training"}  # of every module
MAX_DEPTH = 4  # of nested containers whose contents are compared


class AttributeGuard:
    """Detects changes to attributes of a task and of its modules, apart from parameters and buffers."""

    def __init__(self, task: Any) -> None:
        self.task = task
        self.before = dict(self._now())

    def check(self) -> None:
        """Raises CannotStack if an attribute has changed since the guard was made."""
        for name, now in self._now():
            if self.before.get(name) != now:
                raise CannotStack(f"forward or the loss assigns {name}, of which a stack has one for all trials")

    def _now(self) -> Iterator[tuple[str, Any]]:
        for name, value in vars(self.task).items():
            yield f"task.{name}", _identity(value)
            if isinstance(value, nn.Module):
                for path, module in value.named_modules(prefix=name):
                    for own, attribute in vars(module).items():
                        if own not in TORCH_ATTRIBUTES:
                            yield f"{path}.{own}", _identity(attribute)


def _identity(value: Any, depth: int = MAX_DEPTH) -> Any:
    """A value that changes when the attribute is reassigned or modified; containers are compared by content."""
    if isinstance(value, Tensor):
        return id(value), None if value.is_inference() else value._version
    if isinstance(value, np.ndarray):
        return id(value), hash(value.tobytes())
    if isinstance(value, np.random.Generator):
        return repr(value.bit_generator.state)
    if isinstance(value, random.Random):
        return value.getstate()
    if isinstance(value, np.random.RandomState):
        return repr(value.get_state())
    if isinstance(value, dict) and depth:
        return tuple((key, _identity(each, depth - 1)) for key, each in value.items())
    if isinstance(value, list | tuple | set) and depth:
        return tuple(_identity(each, depth - 1) for each in value)
    return id(value)


class BufferGuard:
    """Detects replaced buffers of a module and its submodules. Changing a buffer in place is fine: each trial has its
    own during the call."""

    def __init__(self, module: nn.Module) -> None:
        self.buffers = [
            (each._buffers, name, f"{path}.{name}" if path else name)
            for path, each in module.named_modules()
            for name in each._buffers
        ]

    def current(self) -> list[Tensor | None]:
        return [buffers.get(name) for buffers, name, _ in self.buffers]

    def check(self, before: list[Tensor | None]) -> None:
        """Raises CannotStack if a buffer is no longer the tensor that it was before."""
        for (buffers, name, path), own in zip(self.buffers, before, strict=True):
            if buffers.get(name) is not own:
                raise CannotStack(f"forward replaces the buffer {path}; a stack needs it changed in place")


def global_rng_states() -> tuple[Any, ...]:
    """The states of the global random generators of Python, NumPy and torch."""
    numpy: Any = np.random.get_state(legacy=False)
    states = [torch.get_rng_state()]
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        states.append(torch.cuda.get_rng_state().cpu())
    counted = numpy["state"]["pos"], numpy["has_gauss"], numpy["state"]["key"].tobytes()
    return random.getstate(), counted, [bytes(state.numpy()) for state in states]


def require_unchanged_rng(before: tuple[Any, ...], what: str = "its loss or optimizer") -> None:
    """Raises CannotStack if steps have sampled from a global random generator."""
    if global_rng_states() != before:
        raise CannotStack(f"{what} samples from a random generator that all trials share")
