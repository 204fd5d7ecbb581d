"""The learning-rate schedule that a run's config describes."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch

from mlcli.config.errors import ConfigError
from mlcli.config.locate import calling, locate
from mlcli.config.settings import Settings
from mlcli.config.supplied import supply
from mlcli.train.torch_schedule import TorchPlateau, TorchSchedule
from mlcli.train.update import Schedule

Partial = Callable[[Settings], Callable[..., Any]]  # a config's constructor with its arguments


def schedule_of(node: Settings, partial: Partial, higher: bool) -> Schedule:
    """node: the config's `scheduler`. higher: whether larger values of the monitored metric are better.

    Raises ConfigError.
    """
    kind = locate(node["_target_"])
    if not is_torch_scheduler(kind):
        if "interval" in node and "interval" not in inspect.signature(kind).parameters:
            raise ConfigError("scheduler.interval is for schedulers of torch.optim.lr_scheduler: leave it out.")
        with calling(node["_target_"], "scheduler._target_"):
            made: Schedule = supply("scheduler", partial(node), {"higher": higher})
        return made
    own = Settings({name: value for name, value in node.items() if name != "interval"})
    is_plateau = issubclass(kind, torch.optim.lr_scheduler.ReduceLROnPlateau)
    if is_plateau:
        own.setdefault("mode", "max" if higher else "min")

    def make(optimizer: torch.optim.Optimizer, length: int) -> Any:
        given = dict(own)
        if issubclass(kind, torch.optim.lr_scheduler.OneCycleLR) and not {"total_steps", "epochs"} & given.keys():
            given["total_steps"] = length
        return _scheduler(Settings(given), partial, optimizer)

    return (TorchPlateau if is_plateau else TorchSchedule)(make, kind, node.get("interval"))


def is_torch_scheduler(kind: Any) -> bool:
    return inspect.isclass(kind) and issubclass(kind, torch.optim.lr_scheduler.LRScheduler)


def _scheduler(node: Settings, partial: Partial, optimizer: torch.optim.Optimizer) -> Any:
    """A scheduler of torch; those nested in it (SequentialLR) are for the same optimizer. Raises ConfigError."""

    kind = locate(node["_target_"])
    nested = {name: value for name, value in node.items() if _has_scheduler(value)}

    def built(value: Any) -> Any:
        return [built(each) for each in value] if isinstance(value, list) else _scheduler(value, partial, optimizer)

    given = {name: built(value) for name, value in nested.items()}
    if "optimizer" in inspect.signature(kind).parameters:
        given.setdefault("optimizer", optimizer)
    try:
        return partial(Settings({name: value for name, value in node.items() if name not in nested}))(**given)
    except ConfigError:
        raise
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        raise ConfigError(f"scheduler: {kind.__name__} cannot be built ({' '.join(str(error).split())}).") from error


def _has_scheduler(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_has_scheduler, value))
    return isinstance(value, Mapping) and "_target_" in value and is_torch_scheduler(locate(value["_target_"]))
