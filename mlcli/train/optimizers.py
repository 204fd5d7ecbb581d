"""Optimizers: construction from a config, and properties of their classes."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch

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


def has_modes(optimizer: Any) -> bool:
    """Whether it evaluates other weights than it trains (schedule-free, Defazio et al. 2024, arXiv 2405.15682)."""
    return callable(getattr(optimizer, "train", None)) and callable(getattr(optimizer, "eval", None))


@lru_cache(maxsize=64)
def needs_closure(kind: Any) -> bool:
    """Whether the step of this optimizer class requires a closure that computes the loss again."""
    parameters = list(inspect.signature(kind.step).parameters.values())[1:]
    return any(each.default is each.empty and each.kind not in VARIADIC for each in parameters)


VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
