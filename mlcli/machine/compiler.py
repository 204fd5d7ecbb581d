"""Delays the import of torch's compiler in runs that do not compile.

The first optimizer of a process imports torch._dynamo, which is slow, for two functions that have no effect without
compilation. A stand-in module provides these two and imports the package when anything else of it is used.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

NAME = "torch._dynamo"


class _StandIn(ModuleType):
    def disable(self, function: Callable[..., Any], recursive: bool = True, **options: Any) -> Callable[..., Any]:
        """Returns the function: without a compiler there is nothing to disable."""
        return function

    def graph_break(self) -> None:
        """No effect without a compiler."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__path__":  # `inspect` reads __file__ of every module
            raise AttributeError(name)
        if sys.modules.get(NAME) is self:
            del sys.modules[NAME]
        return getattr(import_module(NAME), name)


def defer_compiler() -> None:
    """Installs the stand-in; call it before the first optimizer. torch.compile still works."""
    import torch

    if NAME not in sys.modules:
        torch._dynamo = sys.modules[NAME] = _StandIn(NAME)
