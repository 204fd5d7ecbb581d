"""What the data of a run decides before its config is composed: the options of other groups that a data set states,
and the task that `task=auto` becomes."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlcli.config import index
from mlcli.config.check import check_call
from mlcli.config.errors import ConfigError, as_config_error
from mlcli.config.locate import calling, locate
from mlcli.config.quoting import parsed_override
from mlcli.config.settings import leaves
from mlcli.traits import data_traits

TASK = "task"


def with_options_of_data(
    overrides: Sequence[str], where: index.Folders | None = None, primary: str | None = None
) -> list[str]:
    """The overrides, followed by the options that their data set states (`index.of_data`), unless they choose these
    groups themselves, or sweep over them."""
    typed, swept = _choices(overrides, where)
    stated = {} if "data" in swept else index.of_data(typed, where, _name(primary))
    return [*overrides, *(f"{group}={option}" for group, option in stated.items() if group not in swept)]


def is_auto(overrides: Sequence[str], where: index.Folders | None = None, primary: str | None = None) -> bool:
    """Whether the config with these overrides has `task=auto`, which depends on its data."""
    typed, swept = _choices(overrides, where)
    return TASK not in swept and index.chosen(typed, where, _name(primary)).get(TASK) == "auto"


def command_with_task(command: str, overrides: Sequence[str]) -> str:
    """The command that reproduces a run, with the task that `task=auto` became: the data may change."""
    words = shlex.split(command)
    found = [text for text in overrides if _key(text) == TASK][-1:]
    if not found or found[0] in words:
        return command
    return shlex.join([*(word for word in words if _key(word) != TASK), *found])


def _choices(overrides: Sequence[str], where: index.Folders | None) -> tuple[index.Choices, set[str]]:
    """The typed option of each group, and the groups that are swept."""
    groups = index.groups(where)
    typed: index.Choices = {}
    swept = set()
    for text in overrides:
        key = _key(text)
        if key in groups and (parsed := parsed_override(text)):
            if parsed.is_sweep_override():
                swept.add(key)
            elif parsed.value() is None or isinstance(parsed.value(), str):
                typed[key] = "" if parsed.is_delete() else str(parsed.value() or "")
    return typed, swept


def _name(primary: str | None) -> str:
    return (primary or "config").removesuffix(".yaml")


def without_task(overrides: Sequence[str]) -> list[str]:
    """The overrides without the settings of the task, which `auto` does not have."""
    return [text for text in overrides if not _key(text).startswith(f"{TASK}.")]


def with_task(overrides: Sequence[str], name: str) -> list[str]:
    """The overrides with this task in place of auto."""
    return [*(text for text in overrides if _key(text) != TASK), f"{TASK}={name}"]


def task_of(cfg: Mapping[str, Any]) -> str:
    """The task that `auto` becomes, by the target of the data in these resolved settings. Raises ConfigError."""
    node = cfg["data"]
    check_call("data", node)
    target, settings = str(node["_target_"]), {name: value for name, value in node.items() if name != "_target_"}
    if any("_target_" in key.split(".") for key, _ in leaves(settings)):
        raise ConfigError(f"{TASK}=auto: data that is made of other objects: name the task, see `mlcli list {TASK}`.")
    function: Callable[..., Any] = locate(target, "data._target_")
    with as_config_error(), calling(target, "data._target_"):
        own = data_traits(function).task
        return own(**settings) if own is not None else str(locate(str(cfg[TASK]["_target_"]))(function(**settings)))


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+~")
