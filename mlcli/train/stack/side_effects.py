"""Side effects of computing a loss that a stack would lose, or share between trials; they raise CannotStack.

A stack calls the methods of one copy of the first task for all trials, with the weights and buffers of each trial put
into its model. Anything else that a call changes would be shared by all trials: an attribute, a replaced buffer, or
the state of a global random generator. Attributes that differ between the trials are detected too.
"""

import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mlcli.cannot_stack import CannotStack

TORCH_ATTRIBUTES = {*vars(nn.Module()), "training"}  # of every module
MAX_DEPTH = 4  # of nested containers whose contents are compared
MAX_LENGTH = 1000  # of these containers; of longer ones the length is compared
DATA = (
    bool,
    int,
    float,
    complex,
    str,
    list,
    tuple,
    dict,
    set,
    Tensor,
    np.ndarray,
    np.random.Generator,
    random.Random,
)


class AttributeGuard:
    """Detects changes to attributes of a task and of its modules, apart from parameters and buffers; to attributes of
    classes that are not torch's or mlcli's; and to globals of the files that define these classes."""

    def __init__(self, task: Any) -> None:
        self.task = task
        self.shared = dict(_shared_data(task))
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
                for own, attribute in _attributes(name, value):
                    yield own, _identity(attribute)
        for place, values in self.shared.items():
            for name, value in values.items():
                if isinstance(value, DATA) and not name.startswith("__"):
                    yield f"{place}.{name}", _identity(value)


def _attributes(prefix: str, module: nn.Module) -> Iterator[tuple[str, Any]]:
    """The attributes of a module and its submodules that torch does not manage."""
    for path, each in module.named_modules(prefix=prefix):
        for name, attribute in vars(each).items():
            if name not in TORCH_ATTRIBUTES:
                yield f"{path}.{name}", attribute


def _shared_data(task: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Namespaces that all trials share: of the classes of modules, and of the files that define them."""
    for part in vars(task).values():
        for module in part.modules() if isinstance(part, nn.Module) else ():
            for kind in type(module).__mro__:
                if kind.__module__.partition(".")[0] not in ("torch", "mlcli", "builtins"):
                    yield f"{kind.__module__}.{kind.__qualname__}", vars(kind)
                    yield (
                        kind.__module__,
                        vars(sys.modules[kind.__module__]) if kind.__module__ in sys.modules else {},
                    )


def require_equal_attributes(models: Sequence[nn.Module]) -> None:
    """Raises CannotStack for an attribute that differs between the models, such as a random number or an unregistered
    parameter: a stack computes with that of the first model."""
    expected = dict(_attributes("model", models[0]))
    registered = {id(tensor) for model in models for tensor in (*model.parameters(), *model.buffers())}
    for model in models[1:]:
        for name, attribute in _attributes("model", model):
            if not _equal(expected.get(name), attribute, registered):
                raise CannotStack(f"{name} differs between the trials, and is neither a parameter nor a buffer")


def _equal(one: Any, other: Any, registered: set[int], depth: int = MAX_DEPTH) -> bool:
    """Whether data is equal; anything else counts as equal, such as a function, or a registered parameter that an
    attribute refers to (by id)."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        if id(one) in registered and id(other) in registered:
            return True
        return one.shape == other.shape and one.dtype == other.dtype and bool(torch.equal(one, other))
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and one.tobytes() == other.tobytes()
    if (
        not isinstance(one, DATA)
        or not isinstance(other, DATA)
        or isinstance(one, np.random.Generator | random.Random)
    ):
        return True
    if isinstance(one, dict) and isinstance(other, dict) and depth:
        if one.keys() != other.keys():
            return False
        one, other = list(one.values()), [other[key] for key in one]
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(
            _equal(*pair, registered, depth - 1) for pair in zip(one, other, strict=True)
        )
    return type(one) is type(other) and (bool(one == other) or one != one)


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
    if isinstance(value, dict | list | tuple | set) and len(value) > MAX_LENGTH:
        return id(value), len(value)
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
