"""From a command line to one config, or to one per trial, through Hydra.

Hydra's own `main` decorator rewrites sys.argv, refuses flags between overrides and prints its own tracebacks;
this module uses the same parts (argument parser, loader, sweeper) and reports mistakes as ConfigError.
"""

import argparse
import copy
import pickle
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra import version
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path, get_args_parser
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from mlcli.config.composition import Composition, whole
from mlcli.config.errors import ConfigError, explain, suggest
from mlcli.config.schema import Config
from mlcli.config.settings import Settings

PACKAGE = Path(__file__).resolve().parent.parent


def shipped_conf() -> Path:
    """The folder of configs: inside the package once installed, beside it in a checkout."""
    inside = PACKAGE / "conf"
    return inside if (inside / "config.yaml").exists() else PACKAGE.parent / "conf"


def new_id() -> str:
    """A run's name on disk: when it began (to the second) and 32 random bits, so that no two collide."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}"


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Hydra's flags, -q, -v and overrides, in any order. ConfigError for any other flag."""
    parser = get_args_parser()
    parser.add_argument("-q", "--quiet", action="store_true")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.exit_on_error = False

    def fail(message: str) -> None:
        raise ConfigError(f"{message[0].upper()}{message[1:]}. See `mlcli train --help`.")

    parser.error = fail  # type: ignore[method-assign, assignment]
    return parser.parse_intermixed_args(list(arguments))


@contextmanager
def hydra_session(config_dir: str | None = None, config_path: str | None = None) -> Iterator[Hydra]:
    """Hydra over the shipped configs; `--config-dir` and `./conf` come first and so add and override."""
    version.setbase("1.3")
    OmegaConf.register_new_resolver("run_id", new_id, use_cache=True, replace=True)
    ConfigStore.instance().store(name="schema", node=Config)
    path = create_config_search_path(str(Path(config_path).resolve() if config_path else shipped_conf()))
    if config_dir is not None and not Path(config_dir).is_dir():
        raise ConfigError(f"--config-dir {config_dir}: there is no such folder.")
    for folder in filter(None, [Path("conf"), Path(config_dir) if config_dir else None]):
        if folder.is_dir() and not folder.samefile(shipped_conf()):
            path.prepend("user", f"file://{folder.resolve()}", SearchPathQuery(provider="main"))
    try:
        with _explained():
            yield Hydra.create_main_hydra2("mlcli", path)
    finally:
        GlobalHydra.instance().clear()


def compose(hydra: Hydra, overrides: list[str], multirun: bool = False, name: str | None = None) -> DictConfig:
    """The config with its `hydra` node. A sweep asked for by -m or by the config's own `hydra.mode` is composed
    as Hydra's multirun: swept values are left out and `hydra.mode` says MULTIRUN. Raises ConfigError."""
    config_name = name or "config"
    with _explained():
        parsed = OverridesParser.create().parse_overrides(overrides)
        sweeps = any(override.is_sweep_override() for override in parsed)
        mode = RunMode.MULTIRUN if multirun or sweeps else RunMode.RUN
        cfg = hydra.compose_config(config_name, overrides, mode, with_log_configuration=False)
        repeats = OmegaConf.select(cfg, "trainer.repeats") or 1
        if mode == RunMode.RUN and (cfg.hydra.mode == RunMode.MULTIRUN or repeats > 1):
            mode = RunMode.MULTIRUN
            cfg = hydra.compose_config(config_name, overrides, mode, with_log_configuration=False)
        if sweeps and not multirun and cfg.hydra.mode != RunMode.MULTIRUN:
            swept = next(override for override in parsed if override.is_sweep_override())
            raise ConfigError(f"{swept.input_line} is a sweep: add -m to run one trial per value.")
    cfg.hydra.mode = mode
    return cfg


class TrialComposer:
    """Configs of many trials: one composition per choice of groups, then a copy with each trial's values, in a
    hundredth of the time. Identical to composing each alone; held to that by a test."""

    def __init__(self, hydra_loader: Any, sweep: DictConfig) -> None:
        self.loader = hydra_loader
        self.sweep = sweep
        self.parser = OverridesParser.create(config_loader=hydra_loader)
        self.parsed: dict[str, Override] = {}
        self.composed: dict[tuple[str, ...], Composition] = {}
        self.typed = [text for text in sweep.hydra.overrides.task if not self._parse(text).is_sweep_override()]

    def __call__(self, overrides: Sequence[str]) -> Settings:
        """The run's config for the trial with these overrides, as text. Raises ConfigError."""
        with _explained():
            groups = tuple(text for text in overrides if self._is_group(self._parse(text)))
            if groups not in self.composed:
                cfg = _without_hydra(self._compose(groups, overrides))
                self.composed[groups] = Composition(cfg, self.loader._apply_overrides_to_config)
            return self.composed[groups]([self.parsed[text] for text in overrides if text not in groups])

    def _compose(self, groups: tuple[str, ...], overrides: Sequence[str]) -> DictConfig:
        """The config of the sweep itself where it has these groups, and no values but those that its trials set
        again; else a composition of its own, for twenty times the time."""
        values = [self.parsed[text] for text in self.typed if text not in groups]
        again = {self.parsed[text].key_or_group for text in overrides}
        is_same = groups == tuple(text for text in self.typed if self._is_group(self.parsed[text]))
        if is_same and all(each.type == OverrideType.CHANGE and each.key_or_group in again for each in values):
            own: DictConfig = pickle.loads(pickle.dumps(self.sweep))
        else:
            own = self.loader.load_sweep_config(self.sweep, list(groups))
        return own

    def _parse(self, text: str) -> Override:
        if text not in self.parsed:
            (self.parsed[text],) = self.parser.parse_overrides([text])
        return self.parsed[text]

    def _is_group(self, override: Override) -> bool:
        is_group = override.package is not None or self.loader.repository.group_exists(override.key_or_group)
        return is_group or override.is_hydra_override()


def to_run(cfg: DictConfig) -> Settings:
    """The config of the run itself, resolved, without Hydra's node. ConfigError for what is left missing."""
    with _explained():
        return whole(_without_hydra(copy.deepcopy(cfg)))


def _without_hydra(cfg: DictConfig) -> DictConfig:
    with read_write(cfg), open_dict(cfg):
        cfg.pop("hydra", None)  # of a job that Hydra launched itself it is gone already
    return cfg


def to_yaml(hydra: Hydra, cfg: DictConfig, part: str, package: str | None, resolve: bool) -> str:
    """What `--cfg job|hydra|all` prints. Hydra's own show_cfg resolves after it has cut the config in two, and so
    fails on a reference from one half to the other. Raises ConfigError for a package that is not there."""
    HydraConfig.instance().set_config(cfg)
    with _explained(), read_write(cfg), read_write(cfg.hydra), open_dict(cfg):
        if resolve:
            OmegaConf.resolve(cfg)
        shown = hydra.get_sanitized_cfg(cfg, part)
        node = shown if package in (None, "_global_") else OmegaConf.select(shown, package)
    if node is None:
        raise ConfigError(f"--package {package}: not in this config.{suggest(str(package), map(str, shown))}")
    return OmegaConf.to_yaml(node) if OmegaConf.is_config(node) else f"{node}\n"


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(explain(error)) from error
