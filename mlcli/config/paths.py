"""Paths in a config: `~` is expanded and paths are made absolute, so that the config of a run refers to the same
files from any folder."""

import os
import re
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict, read_write

# Settings with one of these names, or with one as suffix after an underscore, are paths of files or folders.
NAMES = re.compile(r"(.*_)?(path|folder|file|dir)")
RUNS = {"init_from", "pretrain"}  # settings with a file, or a run by its folder or name
FOLDERS = ("outputs", "tracking.uri", "hydra.run.dir", "hydra.sweep.dir")  # to which Hydra's node may refer
COLUMNS = ("data.target=", "data.weight=", "data.group=", "data.time=", "split.by=")  # may be named ~
UNQUOTED = re.compile(r"(?<=[=,\[])~(?=[/,\]]|$)")


def typed(override: str) -> str:
    """An override with `~` expanded at the start of unquoted values, where Hydra's grammar does not allow it."""
    if "'" in override or '"' in override or override.startswith(COLUMNS):
        return override
    return UNQUOTED.sub(lambda _: str(Path.home()), override)


def expand_folders(cfg: DictConfig) -> None:
    """Expands `~` in these settings, before others are interpolated from them."""
    for key in FOLDERS:
        value = OmegaConf.select(cfg, key)
        if isinstance(value, str) and value.startswith("~"):
            with read_write(cfg), read_write(cfg.hydra), open_dict(cfg):
                OmegaConf.update(cfg, key, os.path.expanduser(value))


def make_absolute(node: dict[str, Any]) -> None:
    """Makes the paths in these settings absolute, in place, at any depth."""
    for key, value in node.items():
        node[key] = _absolute_in(str(key), value)


def _absolute_in(key: str, value: Any) -> Any:
    """A value of this setting; lists hold values of the same."""
    if isinstance(value, dict):
        make_absolute(value)
    elif isinstance(value, list):
        value[:] = [_absolute_in(key, each) for each in value]
    elif isinstance(value, str) and value and "://" not in value:
        return _absolute(key, value)
    return value


def _absolute(key: str, text: str) -> str:
    if NAMES.fullmatch(key):
        return str(Path(os.path.expanduser(text)).absolute())
    if key in RUNS and (text.startswith("~") or (("/" in text or Path(text).suffix) and Path(text).exists())):
        return str(Path(os.path.expanduser(text)).absolute())
    return os.path.expanduser(text) if key in ("outputs", "uri") else text
