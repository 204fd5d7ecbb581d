"""A cache for composed configs, which applies overrides of values without Hydra."""

import copy
import pickle
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from hydra.core.override_parser.types import Override, OverrideType
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue

from mlcli.config.config_lines import locate_line
from mlcli.config.errors import ConfigError
from mlcli.config.monitor import choose_monitor
from mlcli.config.old_words import replace_metrics
from mlcli.config.paths import make_absolute
from mlcli.config.quoting import read_mappings
from mlcli.config.settings import Settings, leaves, resolved

ENVIRONMENT = re.compile(r"\$\{oc\.env:[^${}]*\}")  # an interpolation that refers to no other setting


class ComposedConfig:
    """Called with overrides of values, returns the settings with these values. Raises ConfigError, or what OmegaConf
    raises.

    apply(overrides, cfg): Hydra's function that changes a config in place, with type checks; most of the time of
    composing is spent in it. If no setting is interpolated from others, each override is applied once, and its value
    is copied from then on.
    """

    def __init__(self, cfg: DictConfig, apply: Callable[[list[Override], DictConfig], None]) -> None:
        self.cfg = pickle.dumps(cfg)  # unpickling is faster than deepcopy
        self.apply = apply
        unresolved = str(OmegaConf.to_container(cfg))
        self.is_plain = "${" not in ENVIRONMENT.sub("", unresolved) and not OmegaConf.missing_keys(cfg)
        self.settings = pickle.dumps(_resolved(cfg)) if self.is_plain else b""
        self.values: dict[str | None, Any] = {}  # by override

    def __call__(self, overrides: Sequence[Override]) -> Settings:
        paths = [override.key_or_group.split(".") for override in overrides]
        if not self.is_plain or not all(map(_is_simple, overrides)) or _overlap(paths):
            return to_settings(self._applied(list(overrides)))
        made: Settings = pickle.loads(self.settings)
        for override, (*parents, name) in zip(overrides, paths, strict=True):
            node = made
            for parent in parents:
                node = node[parent]
            node[name] = copy.deepcopy(self._value(override))
        _finish(made)
        return made

    def _value(self, override: Override) -> Any:
        if override.input_line not in self.values:
            value = OmegaConf.select(self._applied([override]), override.key_or_group)
            self.values[override.input_line] = resolved(value) if OmegaConf.is_config(value) else value
            check_plain(self.values[override.input_line], f"{override.key_or_group}.")
        return self.values[override.input_line]

    def _applied(self, overrides: list[Override]) -> DictConfig:
        cfg: DictConfig = pickle.loads(self.cfg)
        self.apply(overrides, cfg)
        return cfg


def to_settings(cfg: DictConfig) -> Settings:
    """A config as plain data. Raises ConfigError for a missing value."""
    made = _resolved(cfg)
    _finish(made)
    return made


def _resolved(cfg: DictConfig) -> Settings:
    try:
        made: Settings = resolved(cfg, throw_on_missing=True)
    except MissingMandatoryValue:
        key = sorted(OmegaConf.missing_keys(cfg))[0]
        where = locate_line(rf"^\s*{re.escape(key.rpartition('.')[2])}\s*:\s*\?\?\?")
        raise ConfigError(f"{where}{key} needs a value: use {key}=…") from None
    check_plain(made)
    return made


def _finish(made: Settings) -> None:
    """Brings resolved settings, in place, into the form in which they are used and stored."""
    read_mappings(made)
    make_absolute(made)
    replace_metrics(made)
    choose_monitor(made)


def check_plain(node: Any, prefix: str = "") -> None:
    """Raises ConfigError for resolved values that would be interpolations when the stored config is read."""
    for key, value in leaves(node, prefix):
        if "${" in key or (isinstance(value, str) and "${" in value):
            raise ConfigError(f"{key}={value}: a value cannot contain '${{' once it is resolved.")


def _is_simple(override: Override) -> bool:
    """Whether the override changes an existing setting to a value without interpolations."""
    key = override.key_or_group
    return override.type == OverrideType.CHANGE and not set("[]\\") & set(key) and "${" not in str(override.value())


def _overlap(paths: list[list[str]]) -> bool:
    """Whether one of the paths is equal to, or a prefix of, another."""
    return any(after[: len(before)] == before for before, after in pairwise(sorted(paths)))
