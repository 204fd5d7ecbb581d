"""What a stored config may build: a run folder of unknown origin must not execute arbitrary code.

A table states for each group the kind of object and the packages that define it. The dotted name is checked first,
so that nothing outside these packages is imported; then the object's kind and the module of its definition.
"""

import inspect
import os
import re
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlcli.config.check import GROUPS
from mlcli.config.errors import ConfigError
from mlcli.config.locate import locate
from mlcli.config.settings import Settings
from mlcli.run.target_kinds import (
    RESERVED,
    is_data_set,
    is_estimator,
    is_loss,
    is_model,
    is_optimizer,
    is_scheduler,
    is_task,
)
from mlcli.run.user_configs import comes_with_the_model, user_targets
from mlcli.system import cores

DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)
SPECIAL = {"_target_": str, "_partial_": bool, "_convert_": str, "_args_": list}  # Hydra's keys, and their types


@dataclass(frozen=True)
class Rule:
    """What a part of the config may build: objects of this kind, defined in these packages."""

    what: str
    packages: tuple[str, ...]
    is_kind: Callable[[Any], bool]
    plain: bool = False  # settings are numbers, text and objects of the same rule, and nothing is cached on disk
    uncalled: bool = False  # must be `_partial_`, so that building calls nothing with stored arguments


RULES = {
    "data": Rule("a data set (a function that returns Examples)", ("mlcli.data",), is_data_set),
    "model": Rule("a model (an nn.Module)", ("mlcli.model", "torch.nn"), is_model),
    "optimizer": Rule("an optimizer (a torch.optim.Optimizer)", ("torch.optim",), is_optimizer),
    "scheduler": Rule("a schedule", ("mlcli.train.schedule", "torch.optim.lr_scheduler"), is_scheduler),
    "task": Rule("a task", ("mlcli.task",), is_task),
    "loss": Rule("a loss (an nn.Module, or a function)", ("torch.nn", "mlcli.task"), is_loss),
    "metrics": Rule("a metric (a function)", ("mlcli.metric", "sklearn.metrics"), inspect.isfunction),
    "metric": Rule("a metric (a function)", ("mlcli.metric",), inspect.isfunction, uncalled=True),
    "estimator": Rule("an estimator of scikit-learn", ("sklearn",), is_estimator, plain=True),
}
EVALUATION, PREDICTION = ("task", "data", "model"), ("task", "model")  # groups that are built for these
OF_EVALUATION = ("loss", "metric", "metrics")  # keys of a task, or of the config
NESTED = ("loss", "metric", "estimator")  # keys within a group that have a rule of their own


def trusted(config: Mapping[str, Any], name: str, groups: Sequence[str] = GROUPS) -> Settings:
    """The stored config of the run `name`, with those of its groups that will be built: the others are left out and
    neither checked nor imported, nor are an experiment's conclusion and pre-training. Raises ConfigError for
    everything that RULES do not allow.

    Also trusted: packages in $MLCLI_TRUST, for objects of the right kind, and targets in the user's own configs of a
    group (`mlcli.run.user_configs`).
    """
    unused = {*GROUPS} - {*groups}
    kept = Settings({key: node for key, node in config.items() if key not in unused}, conclusion=None, pretrain=None)
    kept = _without_class_weights(kept)
    if "data" not in groups:
        kept = _without_targets_of_evaluation(kept)
    for key in groups:
        node = kept.get(key)
        if not isinstance(node, Mapping) or "_target_" not in node:
            raise ConfigError(f"{name}: {key} has no _target_")
        _Check(name, user_targets(key)).node(key, node, RULES[key])
    _Check(name, user_targets("metrics")).node("metrics", kept.get("metrics"), RULES["metrics"])
    for key in set(kept) - set(GROUPS) - {"metrics"}:
        _refuse_targets(f"{name}: {key}", kept[key])
    if "data" in groups:
        _check_files(f"{name}: data", kept["data"])
    if isinstance(device := kept.get("device"), Mapping):
        kept["device"] = Settings(device, threads=_threads(device.get("threads")))
    return kept


def _without_class_weights(config: Settings) -> Settings:
    """Without a function of the class counts, which only training calls."""
    trainer = config.get("trainer")
    if isinstance(trainer, Mapping) and isinstance(trainer.get("class_weights"), Mapping):
        return Settings(config, trainer=Settings(trainer, class_weights=None))
    return config


def _without_targets_of_evaluation(config: Settings) -> Settings:
    """For prediction: without losses and metrics that are objects, of tasks whose `predict` does not use them."""
    task = config.get("task")
    if isinstance(task, Mapping) and str(task.get("_target_")).startswith("mlcli.task."):
        kept = {key: node for key, node in task.items() if key not in OF_EVALUATION or "_target_" not in str(node)}
        config = Settings(config, task=Settings(kept))
    return Settings({key: node for key, node in config.items() if key not in OF_EVALUATION})


def _threads(stored: Any) -> int | None:
    """At most the cores of this machine: a stored number that is far too large would crash the process."""
    is_count = isinstance(stored, int) and not isinstance(stored, bool) and stored > 0
    return min(stored, cores()) if is_count else None


class _Check:
    """Checks one group's node. own: targets in the user's own configs of this group."""

    def __init__(self, name: str, own: set[str]) -> None:
        self.name = name
        self.own = own

    def node(self, place: str, node: Any, rule: Rule) -> None:
        """Checks a part of the config. A nested target has the rule of its key, or that of the part around it."""
        if isinstance(node, list):
            for each in node:
                self.node(place, each, rule)
        if not isinstance(node, Mapping):
            return
        self._special(place, node, rule)
        for key, value in node.items():
            inner = RULES[key] if key in NESTED and not rule.plain else rule
            self.node(f"{place}.{key}", value, inner)

    def _special(self, place: str, node: Mapping[str, Any], rule: Rule) -> None:
        for key, value in node.items():
            if not str(key).startswith("_"):
                continue
            allowed = SPECIAL.get(key)
            if allowed is None or not isinstance(value, allowed) or (rule.plain and key != "_target_"):
                raise ConfigError(f"{self.name}: {place}.{key}={value}: not allowed in a stored config")
        if rule.plain and node.get("memory") is not None:
            raise ConfigError(
                f"{self.name}: {place}.memory={node['memory']}: a stored estimator may not cache on disk"
            )
        if "_target_" in node:
            if rule.uncalled and node.get("_partial_") is not True:
                raise ConfigError(
                    f"{self.name}: {place}._target_={node['_target_']}: not trusted; "
                    f"{rule.what} of a stored run needs _partial_=true"
                )
            self._target(f"{place}._target_", node["_target_"], rule)

    def _target(self, place: str, target: str, rule: Rule) -> None:
        where = f"{self.name}: {place}={target}"
        package = target.partition(".")[0]
        foreign = package not in RESERVED and package not in sys.stdlib_module_names
        named = {name for name in os.environ.get("MLCLI_TRUST", "").split(",") if name}
        packages = (*rule.packages, *(each for each in named if foreign and _within(target, (each,))))
        own = foreign and (target in self.own or comes_with_the_model(target))
        is_private = target.rpartition(".")[2].startswith("_")
        if not DOTTED.fullmatch(target) or not (own or (_within(target, packages) and not is_private)):
            hint = f"; use MLCLI_TRUST={package} if you trust that package" if foreign else ""
            allowed = " or ".join(rule.packages)
            raise ConfigError(f"{where}: not trusted; a stored run may build {rule.what} of {allowed} here{hint}")
        found = locate(target)
        if own and inspect.isfunction(found):  # a factory function
            return
        if not rule.is_kind(found) or not (own or _within(_home(found), packages)):
            raise ConfigError(f"{where}: not trusted; this is not {rule.what}")


def _home(found: Any) -> str:
    return f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', '')}"


def _within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _refuse_targets(place: str, node: Any) -> None:
    if isinstance(node, list):
        for each in node:
            _refuse_targets(place, each)
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == "_target_":
                raise ConfigError(f"{place}._target_={value}: nothing is built here")
            _refuse_targets(f"{place}.{key}", value)


def _check_files(place: str, node: Any) -> None:
    """Raises ConfigError for an address in the data's settings, and for a path that cannot be read to an end."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            _check_files(f"{place}.{key}", value)
    elif isinstance(node, list):
        for each in node:
            _check_files(place, each)
    elif isinstance(node, str):
        if "://" in node:
            raise ConfigError(f"{place}={node}: a stored run may not name an address; use {place.split()[-1]}=…")
        if _is_special(node):
            raise ConfigError(f"{place}={node}: neither a file nor a folder of files")


def _is_special(text: str) -> bool:
    """Whether this is the path of a device, pipe or socket, of a folder with one in it, or in /proc or /sys, where
    some files never end."""
    try:
        path = Path(os.path.expanduser(text)).resolve()
        mode = path.stat().st_mode
        inside = [each.stat().st_mode for each in path.iterdir() if each.exists()] if stat.S_ISDIR(mode) else []
    except (OSError, ValueError, RuntimeError):  # not a path
        return False
    is_virtual = path.is_relative_to("/proc") or path.is_relative_to("/sys")
    return is_virtual or not all(stat.S_ISREG(each) or stat.S_ISDIR(each) for each in (mode, *inside))
