"""A `_target_` among the overrides, as in `scheduler._target_=torch.optim.lr_scheduler.StepLR scheduler.step_size=5`.

The class has its own defaults. The settings in the file of the chosen option are for another class: those that the
user did not type are dropped. Settings of the class need no `+`, although no file has them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from omegaconf import DictConfig, open_dict, read_write

from mlcli.config.check import GROUPS
from mlcli.config.errors import ConfigError, UnknownKey

TARGET = "_target_"
OF_ALL_MODELS = {"init_from", "freeze"}  # settings of config.yaml, not of an option


def allow_settings(overrides: Sequence[str]) -> list[str]:
    """The overrides, with `++` before those of settings beside a typed `_target_`: the config may not have them."""
    places = [f"{place}." for place in _replaced(overrides)]
    return [f"++{text}" if text.startswith(tuple(places)) and "=" in text else text for text in overrides]


@contextmanager
def bare_targets(overrides: Sequence[str]) -> Iterator[None]:
    """Turns the UnknownKey of a metric or loss without its `_target_`, as in `task.loss=my.Loss`, into a ConfigError
    with the override to use."""
    try:
        yield
    except UnknownKey as error:
        if error.key == "task.loss" or (error.key.startswith("metrics.") and error.key.count(".") == 1):
            for text in overrides:
                if _key(text) == error.key:
                    raise ConfigError(f"{text}: use {error.key}.{TARGET}={text.partition('=')[2]}.") from error
        raise


def drop_settings(cfg: Any, overrides: Sequence[str]) -> None:
    """Removes from each group whose `_target_` is typed the settings that are not.

    cfg: a DictConfig or plain data, changed in place. overrides: of a run or trial, or those of a sweep that all
    trials have.
    """
    for group in _replaced(overrides):
        if group not in GROUPS or not isinstance(cfg.get(group), dict | DictConfig):
            continue
        typed = {_key(text).split(".")[1] for text in overrides if _key(text).startswith(f"{group}.")}
        kept = {TARGET, *typed, *(OF_ALL_MODELS if group == "model" else ())}
        dropped = [name for name in cfg[group] if name not in kept]
        if isinstance(cfg, DictConfig):
            with read_write(cfg), open_dict(cfg):
                for name in dropped:
                    cfg[group].pop(name)
        else:
            for name in dropped:
                del cfg[group][name]


def _replaced(overrides: Sequence[str]) -> list[str]:
    """The places of typed targets: `optimizer` for `optimizer._target_=…`."""
    return [_key(text).removesuffix(f".{TARGET}") for text in overrides if _key(text).endswith(f".{TARGET}")]


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+~")
