"""Keeps torch's compiler out of runs that do not compile.

The first optimizer of a process imports torch._dynamo, most of a second and a third of a small run's start, for two
functions that do nothing unless a compiler is at work. Until anything else of the package is asked for, a stand-in
has those two.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

NAME = "torch._dynamo"


class _StandIn(ModuleType):
    def disable(self, function: Callable[..., Any], recursive: bool = True, **options: Any) -> Callable[..., Any]:
        """What keeps the compiler off a function has nothing to do while there is none."""
        return function

    def graph_break(self) -> None:
        """The same of what interrupts it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__path__":  # `inspect` asks every module for its file
            raise AttributeError(name)
        if sys.modules.get(NAME) is self:
            del sys.modules[NAME]
        return getattr(import_module(NAME), name)


def defer_compiler() -> None:
    """Call it before the first optimizer. What needs torch._dynamo, as torch.compile does, finds it as ever."""
    import torch

    if NAME not in sys.modules:
        torch._dynamo = sys.modules[NAME] = _StandIn(NAME)
