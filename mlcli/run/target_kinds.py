"""Whether a class or function is of the kind that a config group builds."""

import inspect
from typing import Any

import torch
from torch import nn

from mlcli.loading.dataset import Examples
from mlcli.train.protocols import Task

RESERVED = ("mlcli", "torch", "sklearn")  # packages that only the table of `mlcli.run.trust` can allow


def is_data_set(found: Any) -> bool:
    """A function annotated as returning Examples."""
    return inspect.isfunction(found) and found.__annotations__.get("return") in (Examples, Examples.__name__)


def is_model(found: Any) -> bool:
    return inspect.isclass(found) and issubclass(found, nn.Module)


def is_loss(found: Any) -> bool:
    """A module, a function of torch.nn.functional, or one of a package that the user trusts."""
    if not inspect.isfunction(found):
        return is_model(found)
    return found.__module__ == "torch.nn.functional" or found.__module__.partition(".")[0] not in RESERVED


def is_optimizer(found: Any) -> bool:
    return inspect.isclass(found) and issubclass(found, torch.optim.Optimizer)


def is_scheduler(found: Any) -> bool:
    """A scheduler of torch, or a class with callable instances (`mlcli.train.update.Schedule`)."""
    if not inspect.isclass(found):
        return False
    called = any("__call__" in vars(base) for base in found.__mro__)
    return called or issubclass(found, torch.optim.lr_scheduler.LRScheduler)


def is_task(found: Any) -> bool:
    """A class with all methods of a task."""
    return inspect.isclass(found) and isinstance(found, Task)


def is_estimator(found: Any) -> bool:
    """An estimator, or a kernel of a Gaussian process of scikit-learn, which is a setting of some."""
    from sklearn.base import BaseEstimator
    from sklearn.gaussian_process.kernels import Kernel

    if not inspect.isclass(found):
        return False
    return issubclass(found, BaseEstimator | Kernel) or (hasattr(found, "fit") and hasattr(found, "get_params"))
