"""What a task keeps while it computes a loss that a stack would lose, or share between trials.

A stack calls the methods of one copy of the first task for all trials: the weights and buffers of each are put in its
place for the call, and whatever else the call assigns belongs to no trial.
"""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mlcli.cannot_stack import CannotStack

OF_MODULES = {*vars(nn.Module()), "training"}  # what torch itself keeps of every module
NESTED = 4  # containers within containers that are looked into


class Attributes:
    """The attributes of a task and of the modules in it, as they are now, apart from parameters and buffers."""

    def __init__(self, task: Any) -> None:
        self.task = task
        self.before = dict(self._now())

    def check(self) -> None:
        """Raises CannotStack where one has changed."""
        for name, now in self._now():
            if self.before.get(name) != now:
                raise CannotStack(f"forward or the loss assigns {name}, of which a stack has one for all trials")

    def _now(self) -> Iterator[tuple[str, Any]]:
        for name, value in vars(self.task).items():
            yield f"task.{name}", _identity(value)
            if isinstance(value, nn.Module):
                for path, module in value.named_modules(prefix=name):
                    for own, attribute in vars(module).items():
                        if own not in OF_MODULES:
                            yield f"{path}.{own}", _identity(attribute)


def _identity(value: Any, depth: int = NESTED) -> Any:
    """Equal as long as nobody has assigned or changed it; containers by what they hold, to a depth."""
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


class Buffers:
    """The buffers that a module and those in it have. One that forward changes in place is each trial's own."""

    def __init__(self, module: nn.Module) -> None:
        self.places = [
            (each._buffers, name, f"{path}.{name}" if path else name)
            for path, each in module.named_modules()
            for name in each._buffers
        ]

    def now(self) -> list[Tensor | None]:
        return [buffers.get(name) for buffers, name, _ in self.places]

    def check(self, before: list[Tensor | None]) -> None:
        """Raises CannotStack where another tensor is in the place of one."""
        for (buffers, name, path), own in zip(self.places, before, strict=True):
            if buffers.get(name) is not own:
                raise CannotStack(f"forward replaces the buffer {path}; a stack needs it changed in place")


def global_states() -> tuple[Any, ...]:
    """Those of the random generators that belong to the process and to no trial."""
    numpy: Any = np.random.get_state(legacy=False)
    states = [torch.get_rng_state()]
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        states.append(torch.cuda.get_rng_state().cpu())
    counted = numpy["state"]["pos"], numpy["has_gauss"], numpy["state"]["key"].tobytes()
    return random.getstate(), counted, [bytes(state.numpy()) for state in states]


def require_same(before: tuple[Any, ...]) -> None:
    """Raises CannotStack where a step of a stack has drawn from them."""
    if global_states() != before:
        raise CannotStack("its loss draws from a random generator that all trials share")
