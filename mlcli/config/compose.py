"""Composes the config of a command line through Hydra.

Hydra's `main` decorator rewrites sys.argv, does not allow flags between overrides and prints tracebacks. This module
uses the same parts (argument parser, loader, sweeper) and raises ConfigError for invalid input.
"""

import copy
import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra import version
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import ConfigCompositionException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from mlcli import renamed
from mlcli.config import index, old_words, sources
from mlcli.config.auto_task import is_auto, task_of, with_options_of_data, with_task, without_task
from mlcli.config.check import check_urls
from mlcli.config.errors import ConfigError, suggest
from mlcli.config.explain import composing, explained, leaves_of, misfit
from mlcli.config.job import as_typed, begin_job
from mlcli.config.override_cache import to_settings
from mlcli.config.own_code import add_own_code, own_configs
from mlcli.config.own_table import readable
from mlcli.config.paths import expand_folders
from mlcli.config.quoting import read_mappings
from mlcli.config.register import register
from mlcli.config.settings import Settings, leaves
from mlcli.config.targets import allow_settings, bare_targets, drop_settings

ABSENT = object()


def shipped_conf() -> Path:
    """The folder of the configs that mlcli ships."""
    return Path(index.shipped_conf())


@contextmanager
def hydra_session(config_dir: str | None = None, config_path: str | None = None) -> Iterator[Hydra]:
    """Hydra with the shipped configs; `--config-dir` and `./conf` take precedence and may add options. Code beside
    these folders becomes importable."""
    config_dir, config_path = (each and os.path.expanduser(each) for each in (config_dir, config_path))
    add_own_code(own_configs(config_dir, config_path))  # before Hydra looks for plugins
    version.setbase("1.3")
    register()
    sources.register()
    for flag, folder in (("--config-path", config_path), ("--config-dir", config_dir)):
        if folder is not None and not Path(folder).is_dir():
            raise ConfigError(f"{flag} {folder}: there is no such folder.")
    path = create_config_search_path(str(Path(config_path).resolve() if config_path else shipped_conf()))
    for own in own_configs(config_dir):
        path.prepend("user", f"file://{own.resolve()}", SearchPathQuery(provider="main"))
    try:
        with explained():
            yield Hydra.create_main_hydra2("mlcli", path)
    finally:
        GlobalHydra.instance().clear()
        HydraConfig.instance().cfg = None


def compose(
    hydra: Hydra, overrides: Sequence[str], multirun: bool = False, name: str | None = None, resolve: bool = True
) -> DictConfig:
    """The config with its `hydra` node. A sweep, by -m or by `hydra.mode` in the config, is composed as Hydra's
    multirun, without the swept values and with `hydra.mode` MULTIRUN. Raises ConfigError.

    resolve: replaces `task=auto` by the task that it becomes, for which the data is read; in a sweep, by trial.
    """
    check_urls(overrides)
    repository, where = hydra.config_loader.repository, _folders(hydra)  # type: ignore[attr-defined]
    typed = readable([renamed.override(text, repository.config_exists) for text in overrides], where)
    typed = with_options_of_data(typed, where, name)
    if not resolve or multirun or not is_auto(typed, where, name):
        return _compose(hydra, typed, multirun, name)
    cfg = _compose(hydra, without_task(typed), multirun, name)
    if cfg.hydra.mode == RunMode.MULTIRUN:  # each trial has its own data
        return _compose(hydra, typed, multirun, name)
    return _compose(hydra, with_task(typed, task_of(to_run(cfg))), multirun, name)


def _compose(hydra: Hydra, typed: list[str], multirun: bool, name: str | None) -> DictConfig:
    config_name, overrides = name or "config", allow_settings(typed)
    with bare_targets(typed), explained():
        parsed = OverridesParser.create().parse_overrides(overrides)
        swept = [each for each in parsed if each.is_sweep_override()]
        _check_options(hydra, parsed)
        cfg, failure = None, None
        if not (multirun or swept):
            try:
                cfg = _compose_by_hydra(hydra, config_name, overrides, RunMode.RUN)
            except ConfigCompositionException as error:  # the config itself may be a sweep
                failure = error
        if cfg is None or _is_sweep(cfg):
            cfg = _compose_sweep(hydra, config_name, overrides)
            if failure and not _is_sweep(cfg):
                raise failure
            mode = RunMode.MULTIRUN
        else:
            mode = RunMode.RUN
        if swept and not multirun and cfg.hydra.mode != RunMode.MULTIRUN:
            raise ConfigError(f"{swept[0].input_line} is a sweep: add -m to run one trial per value.")
        as_was = dict(zip(overrides, typed, strict=True))
        with read_write(cfg.hydra):
            cfg.hydra.overrides.task = [as_was.get(text, text) for text in as_typed(cfg.hydra.overrides.task)]
        drop_settings(cfg, [str(each.input_line) for each in parsed if not each.is_sweep_override()])
        old_words.replace_in(cfg)
        _read_mappings(cfg)
        begin_job(cfg, as_typed(cfg.hydra.overrides.task))
        expand_folders(cfg)
    with read_write(cfg.hydra):
        cfg.hydra.mode = mode
    return cfg


def _check_options(hydra: Hydra, parsed: Sequence[Override]) -> None:
    """Raises ConfigError for an override without a key, and for an option with a path out of its group."""
    for each in parsed:
        if not each.key_or_group:
            raise ConfigError(f"'{each.input_line}' sets nothing: use KEY=VALUE, without spaces around the =.")
        if ".." in str(each.input_line).partition("=")[2].split("/") and _is_group(hydra, each.key_or_group):
            raise ConfigError(f"{each.input_line}: an option is a name in its group, not a path.")


def _folders(hydra: Hydra) -> index.Folders:
    """The folders of configs of the session, in order of precedence."""
    paths = [str(each.path) for each in hydra.config_loader.get_search_path().get_path()]
    return tuple(path.removeprefix("file://") for path in paths if path.startswith("file://") or "://" not in path)


def _read_mappings(cfg: DictConfig) -> None:
    """Maps that Hydra's grammar cannot read are composed as texts, and replaced here."""
    if OmegaConf.is_dict(cfg.get("data")):
        content: Any = {"data": OmegaConf.to_container(cfg.data, resolve=False)}
        before = copy.deepcopy(content)
        read_mappings(content)
        if content != before:
            with read_write(cfg), open_dict(cfg):
                cfg.data = content["data"]


def _is_group(hydra: Hydra, key: str) -> bool:
    return bool(hydra.config_loader.repository.group_exists(key))  # type: ignore[attr-defined]


def _compose_by_hydra(hydra: Hydra, name: str, overrides: list[str], mode: RunMode) -> DictConfig:
    """Raises ConfigCompositionException, or ConfigError for an invalid config file."""
    with composing(ConfigCompositionException):
        return hydra.compose_config(name, overrides, mode)


def _is_sweep(cfg: DictConfig) -> bool:
    return bool(cfg.hydra.mode == RunMode.MULTIRUN or (OmegaConf.select(cfg, "trainer.repeats") or 1) > 1)


def _compose_sweep(hydra: Hydra, name: str, overrides: list[str]) -> DictConfig:
    """The config of Hydra's multirun. If options of groups are swept, overrides that fit only some of them are left
    to the trials."""
    parsed = OverridesParser.create().parse_overrides(overrides)
    kept, failure = list(parsed), None
    while True:
        try:
            cfg = _compose_by_hydra(hydra, name, [str(each.input_line) for each in kept], RunMode.MULTIRUN)
            break
        except ConfigCompositionException as error:
            key, failure = misfit(error), failure or error
            fitting = [each for each in kept if each.key_or_group != key or each.is_sweep_override()]
            if len(fitting) == len(kept) or str(key).startswith("hydra."):
                raise
            kept = fitting
    if failure and not _sweeps_options(hydra, parsed, cfg) and cfg.hydra.runtime.choices.get("task") != "auto":
        raise failure
    cfg.hydra.overrides.task = [str(each.input_line) for each in parsed if not each.is_hydra_override()]
    return cfg


def _sweeps_options(hydra: Hydra, parsed: Sequence[Override], cfg: DictConfig) -> bool:
    """Whether trials differ in options of a group, by overrides or by the sweep in the config."""
    sweeper: Any = OmegaConf.to_container(cfg.hydra.sweeper, resolve=False)
    variants = [text for each in (sweeper.get("variants") or {}).values() for text in shlex.split(each or "")]
    keys = [each.key_or_group for each in parsed if each.is_sweep_override()]
    keys += [text.lstrip("+~").partition("=")[0] for text in (*(sweeper.get("params") or {}), *variants)]
    return any(_is_group(hydra, key) for key in keys)


def to_run(cfg: DictConfig) -> Settings:
    """The resolved config of the run, without Hydra's node. Raises ConfigError for missing values."""
    with explained():
        if "hydra" in cfg and cfg.hydra.mode == RunMode.RUN:
            begin_job(cfg, as_typed(cfg.hydra.overrides.task), folder=Path(cfg.hydra.run.dir))
        return to_settings(without_hydra(copy.deepcopy(cfg)))


def dependents(cfg: DictConfig, key: str) -> list[str]:
    """The settings that are interpolated from this one, a number or text. Raises ConfigError."""
    settings = []
    for value in (1, 2):
        changed = copy.deepcopy(cfg)
        OmegaConf.update(changed, key, value)
        settings.append(dict(leaves(to_run(changed))))
    one, other = settings
    return [name for name in one if name != key and one[name] != other.get(name)]


def without_hydra(cfg: DictConfig) -> DictConfig:
    with read_write(cfg), open_dict(cfg):
        cfg.pop("hydra", None)  # absent in jobs that Hydra launched
    return cfg


def to_yaml(hydra: Hydra, cfg: DictConfig, part: str, package: str | None, resolve: bool) -> str:
    """What `--cfg job|hydra|all` prints. Hydra's own show_cfg resolves after it has cut the config in two, and so
    fails on a reference from one half to the other. Raises ConfigError for a package that is not there."""
    HydraConfig.instance().set_config(cfg)
    with explained(), read_write(cfg), read_write(cfg.hydra), open_dict(cfg):
        if resolve:
            OmegaConf.resolve(cfg)
        shown = hydra.get_sanitized_cfg(cfg, part)
        try:
            node = shown if package in (None, "_global_") else OmegaConf.select(shown, str(package), default=ABSENT)
        except (OmegaConfBaseException, LookupError):  # not a key at all
            node = ABSENT
    if node is ABSENT:
        hint = suggest(str(package), leaves_of(shown), listed=False)
        raise ConfigError(f"--package {package}: not in this config.{hint}")
    return OmegaConf.to_yaml(node) if OmegaConf.is_config(node) else f"{node}\n"
