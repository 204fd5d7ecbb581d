"""Paths of files in a config: with the home folder in place of `~`, and absolute, so that a run's config means the
same files from any folder."""

import re
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict, read_write

# A setting with one of these names, or whose name ends in one after an underscore, is the path of a file or folder.
NAMES = re.compile(r"(.*_)?(path|folder|file|dir)")
RUNS = {"init_from", "pretrain"}  # a file, or a run by its folder or name
FOLDERS = ("outputs", "tracking.uri", "hydra.run.dir", "hydra.sweep.dir")  # that Hydra's node may be made of
UNQUOTED = re.compile(r"(?<=[=,\[])~(?=[/,\]]|$)")


def typed(override: str) -> str:
    """An override with `~` expanded where it begins an unquoted value, which Hydra's grammar has no place for."""
    if "'" in override or '"' in override:
        return override
    return UNQUOTED.sub(lambda _: str(Path.home()), override)


def expand_folders(cfg: DictConfig) -> None:
    """Puts the home folder in place of `~`, before anything is made of these settings."""
    for key in FOLDERS:
        value = OmegaConf.select(cfg, key)
        if isinstance(value, str) and value.startswith("~"):
            with read_write(cfg), read_write(cfg.hydra), open_dict(cfg):
                OmegaConf.update(cfg, key, _home(value))


def make_absolute(node: Any) -> None:
    """Changes the paths in these settings, whatever they are nested in."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(value, dict | list):
            make_absolute(value)
        elif isinstance(value, str) and value and "://" not in value:
            node[key] = _absolute(str(key), value)


def _absolute(key: str, text: str) -> str:
    if NAMES.fullmatch(key):
        return str(Path(_home(text)).absolute())
    if key in RUNS and (text.startswith("~") or (("/" in text or Path(text).suffix) and Path(text).exists())):
        return str(Path(_home(text)).absolute())
    return _home(text) if key in ("outputs", "uri") else text


def _home(text: str) -> str:
    """As the shell does it; the text itself where there is no such user."""
    try:
        return str(Path(text).expanduser()) if text.startswith("~") else text
    except RuntimeError:
        return text
