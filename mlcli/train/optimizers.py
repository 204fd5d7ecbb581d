"""How an optimizer is made, and what kind of optimizer it is."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch

Groups = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class MakeOptimizer:
    """Makes an optimizer as it is configured, as often as one is needed.

    construct: takes parameter groups, and `lr` in place of the configured rate. config: names the constructor and all
    its arguments but the rate; makers with equal texts make equal optimizers.
    """

    construct: Callable[..., torch.optim.Optimizer]
    config: str

    def __call__(self, groups: Groups, **given: Any) -> torch.optim.Optimizer:
        return self.construct(list(groups), **given)


def has_modes(optimizer: Any) -> bool:
    """Whether it has other weights for evaluation than for training (Defazio et al. 2024, arXiv 2405.15682)."""
    return callable(getattr(optimizer, "train", None)) and callable(getattr(optimizer, "eval", None))


@lru_cache(maxsize=64)
def needs_closure(kind: Any) -> bool:
    """Whether its step cannot be taken from the gradients alone."""
    parameters = list(inspect.signature(kind.step).parameters.values())[1:]
    return any(each.default is each.empty and each.kind not in VARIADIC for each in parameters)


VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
