"""What a stored config may build. A run that somebody sent must not be able to run what it likes.

One table says what each group may hold: objects of a kind, defined in certain packages. The dotted name decides
first, and nothing outside those packages is even imported; then the object's kind and the module of its definition.
"""

import inspect
import os
import re
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlcli.config.check import locate
from mlcli.config.errors import ConfigError
from mlcli.config.settings import Settings
from mlcli.machine.device import cores
from mlcli.run.target_kinds import is_data_set, is_estimator, is_model, is_optimizer, is_scheduler, is_task
from mlcli.run.user_configs import user_targets

DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)
SPECIAL = {"_target_": str, "_partial_": bool, "_convert_": str, "_args_": list}  # Hydra's keys, and their types
RESERVED = ("mlcli", "torch", "sklearn")  # packages that the table alone decides about


@dataclass(frozen=True)
class Rule:
    """What a place of the config may build: objects of this kind that are defined in these packages."""

    what: str
    packages: tuple[str, ...]
    is_kind: Callable[[Any], bool]
    plain: bool = False  # whether settings are numbers, text and objects of this rule, and nothing is cached on disk
    uncalled: bool = False  # whether it must be `_partial_`: building it calls nothing with a stranger's arguments


RULES = {
    "data": Rule("a data set (a function that returns Examples)", ("mlcli.data",), is_data_set),
    "model": Rule("a model (an nn.Module)", ("mlcli.model", "torch.nn"), is_model),
    "optimizer": Rule("an optimizer (a torch.optim.Optimizer)", ("torch.optim",), is_optimizer),
    "scheduler": Rule("a schedule", ("mlcli.train.schedule", "torch.optim.lr_scheduler"), is_scheduler),
    "task": Rule("a task", ("mlcli.task",), is_task),
    "loss": Rule("a loss (an nn.Module)", ("torch.nn", "mlcli.task"), is_model),
    "metric": Rule("a metric (a function)", ("mlcli.metric",), inspect.isfunction, uncalled=True),
    "estimator": Rule("an estimator of scikit-learn", ("sklearn",), is_estimator, plain=True),
}
GROUPS = ("task", "data", "model", "optimizer", "scheduler")
NESTED = ("loss", "metric", "estimator")  # keys within a group that have a rule of their own


def trusted(config: Mapping[str, Any], name: str) -> Settings:
    """The stored config of the run `name` without what is never built from one: an experiment's conclusion, and runs
    to pre-train. Raises ConfigError for everything that RULES do not allow.

    Trusted besides: packages named in $MLCLI_TRUST, as far as the kind fits, and what the user's own configs of a
    group name (`mlcli.run.user_configs`).
    """
    kept = Settings(config, conclusion=None, pretrain=None)
    for key in GROUPS:
        node = kept.get(key)
        if not isinstance(node, Mapping) or "_target_" not in node:
            raise ConfigError(f"{name}: {key} has no _target_")
        _Check(name, user_targets(key)).node(key, node, RULES[key])
    for key in set(kept) - set(GROUPS):
        _refuse_targets(f"{name}: {key}", kept[key])
    _check_files(f"{name}: data", kept["data"])
    if isinstance(device := kept.get("device"), Mapping):
        kept["device"] = Settings(device, threads=_threads(device.get("threads")))
    return kept


def _threads(asked: Any) -> int | None:
    """The run may come from a larger machine, and far too many crash the process."""
    is_count = isinstance(asked, int) and not isinstance(asked, bool) and asked > 0
    return min(asked, cores()) if is_count else None


class _Check:
    """Walks one group's node. own: dotted names that the user's own configs of this group hold."""

    def __init__(self, name: str, own: set[str]) -> None:
        self.name = name
        self.own = own

    def node(self, place: str, node: Any, rule: Rule) -> None:
        """A part of the config; a nested target is judged by the key above it, or like its surroundings."""
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
        own = foreign and target in self.own
        is_private = target.rpartition(".")[2].startswith("_")
        if not DOTTED.fullmatch(target) or not (own or (_within(target, packages) and not is_private)):
            hint = f", and MLCLI_TRUST={package} would allow that package's" if foreign else ""
            allowed = " or ".join(rule.packages)
            raise ConfigError(f"{where}: not trusted; a stored run may build {rule.what} of {allowed} here{hint}")
        found = locate(target)
        if own and inspect.isfunction(found):  # one that makes the object
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
    """A stored run may name the files of its data, but no address, and nothing that reads without end."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            _check_files(f"{place}.{key}", value)
    elif isinstance(node, list):
        for each in node:
            _check_files(place, each)
    elif isinstance(node, str):
        if "://" in node:
            raise ConfigError(
                f"{place}={node}: a stored run may not name an address; give {place.split()[-1]}=… yourself"
            )
        if _is_special(node):
            raise ConfigError(f"{place}={node}: neither a file nor a folder of files")


def _is_special(text: str) -> bool:
    """Whether it is the path of a device, pipe or socket, of a folder with one in it, or one that the kernel makes,
    of which some are never read to their end."""
    try:
        path = Path(text).expanduser().resolve()
        mode = path.stat().st_mode
        inside = [each.stat().st_mode for each in path.iterdir() if each.exists()] if stat.S_ISDIR(mode) else []
    except (OSError, ValueError, RuntimeError):  # not a path at all
        return False
    made_up = path.is_relative_to("/proc") or path.is_relative_to("/sys")
    return made_up or not all(stat.S_ISREG(each) or stat.S_ISDIR(each) for each in (mode, *inside))
