"""Optimizers: construction from a config, and properties of their classes."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from mlcli.random_numbers import keep_states

Groups = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class MakeOptimizer:
    """Constructs the configured optimizer for parameter groups, any number of times.

    construct: called with parameter groups and, optionally, an `lr` that replaces the configured one. config: the
    constructor and all its arguments but `lr`, as text; equal texts construct equal optimizers.
    """

    construct: Callable[..., torch.optim.Optimizer]
    config: str

    def __call__(self, groups: Groups, **given: Any) -> torch.optim.Optimizer:
        return self.construct(list(groups), **given)


def is_of_torch(optimizer: Any) -> bool:
    """Whether its class is one of torch.optim, whose state is by parameter and whose steps share nothing else."""
    return f"{type(optimizer).__module__}.".startswith("torch.optim.")


def has_modes(optimizer: Any) -> bool:
    """Whether it evaluates other weights than it trains (schedule-free, Defazio et al. 2024, arXiv 2405.15682)."""
    return callable(getattr(optimizer, "train", None)) and callable(getattr(optimizer, "eval", None))


def needs_closure(make: MakeOptimizer, optimizer: Any) -> bool:
    """Whether its step needs a closure that computes the loss again: by the signature, or, where the argument is
    optional, because a step on a small tensor raises without one and not with one."""
    kind: Any = type(optimizer)
    if _requires_closure(kind):
        return True
    if is_of_torch(optimizer):
        return False
    if make.config not in _NEEDS_CLOSURE:
        with keep_states():
            _NEEDS_CLOSURE[make.config] = not _can_step(make, False) and _can_step(make, True)
    return _NEEDS_CLOSURE[make.config]


@lru_cache(maxsize=64)
def _requires_closure(kind: Any) -> bool:
    parameters = list(inspect.signature(kind.step).parameters.values())[1:]
    return any(each.default is each.empty and each.kind not in VARIADIC for each in parameters)


def _can_step(make: MakeOptimizer, with_closure: bool) -> bool:
    weight = nn.Parameter(torch.linspace(0.5, 1.5, 16).view(4, 4))

    def closure() -> Tensor:
        with torch.enable_grad():
            weight.grad = None
            loss = weight.square().sum()
            loss.backward()  # type: ignore[no-untyped-call]
        return loss

    try:
        optimizer: Any = make([{"params": [weight]}])
        if has_modes(optimizer):
            optimizer.train()
        closure()
        optimizer.step(*([closure] if with_closure else []))
    except Exception:  # an optimizer may raise anything for a tensor that is not that of the network
        return False
    return True


VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_NEEDS_CLOSURE: dict[str, bool] = {}  # by config of the optimizer
