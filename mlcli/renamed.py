"""Renamed words that users type or that run folders hold. The old ones work until the next release.

An old word that a user types is reported once per process, with the new one; those in
stored runs are replaced without a report.
"""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlcli.metric.direction import without_split

# Each table: old → new. A key stays in its group: `trainer.x` becomes `trainer.y`.
# Keys of the config, dotted.
KEYS: dict[str, str] = {
    "answer": "conclusion",
    "trainer.watch": "trainer.layer_statistics",
    "hydra.launcher.way": "hydra.launcher.strategy",
}
OPTIONS: dict[str, dict[str, str]] = {}  # by group: names of its options
METRICS: dict[str, str] = {
    "accuracy_interval": "accuracy_margin_of_error",
    "corrupted_mse": "identity_mse",
    "explained": "explained_variance_ratio",
    "length": "episode_length",
    "matthews": "matthews_corrcoef",
    "nearest_neighbour": "nearest_neighbour_accuracy",
    "nearest_neighbour_interval": "nearest_neighbour_accuracy_margin_of_error",
    "online_steps": "online_episode_length",
    "return_interval": "return_margin_of_error",
    "steps": "episode_length",
    "success": "success_rate",
    "success_without_limit": "success_rate_without_limit",
}  # names without their split; `a` also stands for `a/CLASS`
TARGETS: dict[str, str] = {  # dotted names of classes and functions
    "mlcli.data.toy_text.cliff_walking": "mlcli.data.cliff_walking.cliff_walking",
    "mlcli.data.toy_text.frozen_lake": "mlcli.data.frozen_lake.frozen_lake",
    "mlcli.data.toy_text.taxi": "mlcli.data.taxi.taxi",
}

METRIC_KEYS = ("trainer.monitor", "sweep.metric")  # settings whose value is the name of a metric
OVERRIDE = re.compile(r"(?P<prefix>[+~]*)(?P<key>[^=@\s]+)(?P<package>@[^=]*)?(?P<value>=.*)?", re.DOTALL)
INTERPOLATION = re.compile(r"(?<=\$\{)(\s*)([A-Za-z_][\w.]*)(?=\s*\})")

_announced: set[str] = set()


def announce(old: str, new: str, works: bool = True) -> None:
    """Prints, once per process, the new name of a word that the user typed. works: whether the old one still does."""
    if old != new and old not in _announced:
        _announced.add(old)
        consequence = "the old name works until the next release" if works else "the old name has no effect"
        print(f"{old} is now {new}; {consequence}", file=sys.stderr)


def key(name: str, quiet: bool = True) -> str:
    """The current name of a dotted key, also if one of its parents was renamed."""
    for old, new in KEYS.items():
        if name == old or name.startswith(f"{old}."):
            if not quiet:
                announce(old, new)
            return new + name[len(old) :]
    return name


def option(group: str, name: str, quiet: bool = True) -> str:
    """The current name of an option of a group."""
    new = OPTIONS.get(group, {}).get(name, name)
    if not quiet:
        announce(f"{group}={name}", f"{group}={new}")
    return new


def metric(name: str, quiet: bool = True) -> str:
    """The current name of a metric, with or without its split: `val/a` → `val/b`."""
    own = without_split(name)
    prefix = name.removesuffix(own)
    for old, new in METRICS.items():
        if own == old or own.startswith(f"{old}/"):
            if not quiet:
                announce(f"{prefix}{old}", f"{prefix}{new}")
            return prefix + new + own[len(old) :]
    return name


def target(name: str, quiet: bool = True) -> str:
    """The current name of a `_target_`."""
    new = TARGETS.get(name, name)
    if not quiet:
        announce(name, new)
    return new


def override(text: str, is_option: Callable[[str], bool] = lambda path: False) -> str:
    """An override as the user typed it, with its prefix (`+`, `++`, `~`), and with a sweep as its value.

    is_option: whether there is an option `group/name`; the user's own option keeps an old name.
    """
    found = OVERRIDE.fullmatch(text)
    if not found:
        return text
    name, value = found["key"], found["value"] or ""
    for old, new in OPTIONS.get(name, {}).items():
        if not is_option(f"{name}/{old}"):
            changed = re.sub(rf"(?<![\w./-]){re.escape(old)}(?![\w./-])", new, value)
            if changed != value:
                announce(f"{name}={old}", f"{name}={new}")
            value = changed
    return f"{found['prefix']}{key(name, quiet=False)}{found['package'] or ''}{_interpolated(value, quiet=False)}"


def config(node: Any, prefix: str = "", quiet: bool = True) -> Any:
    """A config as plain data, with current names of keys, targets and interpolations, and in its defaults list.

    prefix: the key of the node within the whole config, as in `trainer`.
    """
    if isinstance(node, str):
        return _interpolated(node, quiet)
    if isinstance(node, list):
        return [config(each, f"{prefix}.", quiet) for each in node]
    if not isinstance(node, Mapping):
        return node
    made = {}
    for name, value in node.items():
        path = f"{prefix}.{name}" if prefix else str(name)
        new = key(path, quiet)
        if name == "_target_" and isinstance(value, str):
            value = target(value, quiet)
        if name == "defaults" and isinstance(value, list):
            value = [_default(each, quiet) for each in value]
        made[new.rpartition(".")[2] if new != path else name] = config(value, new, quiet)
    return made


def metric_names(settings: dict[str, Any], own: Callable[[str], bool], quiet: bool = True) -> None:
    """Renames the metrics in settings. own: whether the user's own task has a metric of the old name."""
    for path in METRIC_KEYS:
        group, _, name = path.partition(".")
        node = settings.get(group)
        value = node.get(name) if isinstance(node, dict) else None
        if isinstance(node, dict) and isinstance(value, str) and metric(value) != value and not own(value):
            node[name] = metric(value, quiet)


def record(node: Any, own: Callable[[str], bool] = lambda name: False) -> Any:
    """A record of a run or sweep, or lines of a journal. own: whether the user's own task has a metric of a name."""
    if isinstance(node, list):
        return [record(each, own) for each in node]
    if not isinstance(node, dict):
        return node
    made = {}
    for name, value in node.items():
        if name == "metrics" and isinstance(value, dict):
            value = {each if own(each) else metric(each): number for each, number in value.items()}
        elif name in ("monitor", "metric") and isinstance(value, str):
            value = value if own(value) else metric(value)
        elif name == "swept" and isinstance(value, dict):
            value = {key(each): setting for each, setting in value.items()}
        else:
            value = record(value, own)
        made[name] = value
    return made


def mentioned(text: str) -> bool:
    """Whether a config file may contain an old word: a cheap test."""
    words = [name.rpartition(".")[2] for name in (*KEYS, *TARGETS)] + [n for each in OPTIONS.values() for n in each]
    return any(word in text for word in words)


def _default(entry: Any, quiet: bool) -> Any:
    """An entry of a defaults list, as in `override /model: lstm`."""
    if not isinstance(entry, Mapping) or len(entry) != 1:
        return entry
    ((name, value),) = entry.items()
    group = str(name).split()[-1].lstrip("/").partition("@")[0]
    if isinstance(value, str):
        return {name: option(group, value, quiet)}
    return {name: [option(group, each, quiet) for each in value]} if isinstance(value, Sequence) else entry


def _interpolated(text: str, quiet: bool) -> str:
    return INTERPOLATION.sub(lambda found: found[1] + key(found[2], quiet), text) if "${" in text else text
