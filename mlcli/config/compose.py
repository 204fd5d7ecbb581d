"""From a command line to one config, or to one per trial, through Hydra.

Hydra's own `main` decorator rewrites sys.argv, refuses flags between overrides and prints its own tracebacks;
this module uses the same parts (argument parser, loader, sweeper) and reports mistakes as ConfigError.
"""

import argparse
import copy
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra import version
from hydra._internal.config_loader_impl import get_overrides_dirname
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path, get_args_parser
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from mlcli.config.composition import whole
from mlcli.config.errors import ConfigError, explain, suggest
from mlcli.config.schema import Config
from mlcli.config.settings import Settings, leaves

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
        with explained():
            yield Hydra.create_main_hydra2("mlcli", path)
    finally:
        GlobalHydra.instance().clear()
        HydraConfig.instance().cfg = None


def compose(hydra: Hydra, overrides: list[str], multirun: bool = False, name: str | None = None) -> DictConfig:
    """The config with its `hydra` node. A sweep asked for by -m or by the config's own `hydra.mode` is composed
    as Hydra's multirun: swept values are left out and `hydra.mode` says MULTIRUN. Raises ConfigError."""
    config_name = name or "config"
    with explained():
        parsed = OverridesParser.create().parse_overrides(overrides)
        sweeps = any(override.is_sweep_override() for override in parsed)
        mode = RunMode.MULTIRUN if multirun or sweeps else RunMode.RUN
        cfg = _composed(hydra, config_name, overrides, mode)
        repeats = OmegaConf.select(cfg, "trainer.repeats") or 1
        if mode == RunMode.RUN and (cfg.hydra.mode == RunMode.MULTIRUN or repeats > 1):
            mode = RunMode.MULTIRUN
            cfg = _composed(hydra, config_name, overrides, mode)
        if sweeps and not multirun and cfg.hydra.mode != RunMode.MULTIRUN:
            swept = next(override for override in parsed if override.is_sweep_override())
            raise ConfigError(f"{swept.input_line} is a sweep: add -m to run one trial per value.")
    with read_write(cfg.hydra):
        cfg.hydra.mode = mode
    return cfg


def _composed(hydra: Hydra, name: str, overrides: list[str], mode: RunMode) -> DictConfig:
    """Hydra's composition, to which `${hydra:…}` refers from now on."""
    cfg = hydra.compose_config(name, overrides, mode, with_log_configuration=False)
    begin_job(cfg, as_typed(cfg.hydra.overrides.task))
    return cfg


def begin_job(
    cfg: DictConfig, overrides: Sequence[str], number: int | None = None, folder: Path | None = None
) -> None:
    """Makes `${hydra:…}` refer to this run, or to the trial of this number, in this folder, as in Hydra's own jobs.

    Its override_dirname leaves out the overrides that it appears in, which would contain themselves.
    """
    names = cfg.hydra.job.config.override_dirname
    parsed = OverridesParser.create().parse_overrides([each for each in overrides if "override_dirname" not in each])
    task = [override for override in parsed if not override.is_hydra_override()]
    with read_write(cfg.hydra), open_dict(cfg.hydra):
        cfg.hydra.overrides.task = list(overrides)
        cfg.hydra.job.override_dirname = get_overrides_dirname(task, names.exclude_keys, names.item_sep, names.kv_sep)
        if number is not None:
            cfg.hydra.job.num, cfg.hydra.job.id = number, f"job_id_for_{number}"
        if folder is not None:
            cfg.hydra.runtime.output_dir = str(folder.absolute())
    HydraConfig.instance().set_config(cfg)


def as_typed(overrides: Any) -> list[str]:
    """A list of overrides in a config, such as `hydra.overrides.task`, as they were typed: an interpolation in one of
    them is resolved by the config of the run or trial that it is applied to."""
    return list(OmegaConf.to_container(overrides, resolve=False))  # type: ignore[arg-type]  # a list


def to_run(cfg: DictConfig) -> Settings:
    """The config of the run itself, resolved, without Hydra's node. ConfigError for what is left missing."""
    with explained():
        if "hydra" in cfg and cfg.hydra.mode == RunMode.RUN:
            begin_job(cfg, as_typed(cfg.hydra.overrides.task), folder=Path(cfg.hydra.run.dir))
        return whole(without_hydra(copy.deepcopy(cfg)))


def dependents(cfg: DictConfig, key: str) -> list[str]:
    """The settings that are made of this one, which must be a number or text. Raises ConfigError."""
    settings = []
    for value in (1, 2):
        changed = copy.deepcopy(cfg)
        OmegaConf.update(changed, key, value)
        settings.append(dict(leaves(to_run(changed))))
    one, other = settings
    return [name for name in one if name != key and one[name] != other.get(name)]


def without_hydra(cfg: DictConfig) -> DictConfig:
    with read_write(cfg), open_dict(cfg):
        cfg.pop("hydra", None)  # of a job that Hydra launched itself it is gone already
    return cfg


def to_yaml(hydra: Hydra, cfg: DictConfig, part: str, package: str | None, resolve: bool) -> str:
    """What `--cfg job|hydra|all` prints. Hydra's own show_cfg resolves after it has cut the config in two, and so
    fails on a reference from one half to the other. Raises ConfigError for a package that is not there."""
    HydraConfig.instance().set_config(cfg)
    with explained(), read_write(cfg), read_write(cfg.hydra), open_dict(cfg):
        if resolve:
            OmegaConf.resolve(cfg)
        shown = hydra.get_sanitized_cfg(cfg, part)
        node = shown if package in (None, "_global_") else OmegaConf.select(shown, package)
    if node is None:
        raise ConfigError(f"--package {package}: not in this config.{suggest(str(package), map(str, shown))}")
    return OmegaConf.to_yaml(node) if OmegaConf.is_config(node) else f"{node}\n"


@contextmanager
def explained() -> Iterator[None]:
    """Mistakes that Hydra or OmegaConf finds, as ConfigError."""
    try:
        yield
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(explain(error)) from error
