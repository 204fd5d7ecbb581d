"""Targets of the user's own, which are importable: those in the configs of ./conf and --config-dir, and those in the
code of a loaded MLflow model."""

import os
import sys
import zipfile
from pathlib import Path
from typing import Any

from mlcli.config.errors import ConfigError
from mlcli.config.own_code import add_own_code, own_configs
from mlcli.config.stored import read_yaml, targets
from mlcli.track.model_code import OWN, top_level

_folders: list[Path] = []  # besides ./conf
_with_the_model: set[str] = set()  # packages and modules


def add_configs(folder: str | None) -> None:
    """Adds a folder of the user's own configs to ./conf, and makes the code beside both importable. Raises
    ConfigError if there is no such folder."""
    if folder is not None and not Path(folder).is_dir():
        raise ConfigError(f"--config-dir {folder}: there is no such folder")
    if folder is not None:
        _folders.append(Path(folder).absolute())
    add_own_code(own_configs(folder))


def user_targets(group: str) -> set[str]:
    """Every `_target_` of a group, in files of the group and of experiments."""
    found: set[str] = set()
    for folder in own_configs(*map(str, _folders)):
        for path in folder.rglob("*.yaml"):
            content = _content(path)
            if path.relative_to(folder).parts[0] == group:
                found |= set(targets(content))
            elif isinstance(content, dict):
                found |= set(targets(content.get(group)))
    return found


def add_code_of_model(archive: Path) -> None:
    """Makes the user's modules in the archive of an MLflow model importable, from the end of sys.path, and trusted.

    Only if MLflow has added the archive itself to sys.path, which it does when a user loads the model with its code.
    """
    given = {os.path.realpath(entry) for entry in sys.path}
    if os.path.realpath(archive) not in given or not zipfile.is_zipfile(archive):
        return
    with zipfile.ZipFile(archive) as file:
        own = [name.removeprefix(f"{OWN}/") for name in file.namelist() if name.startswith(f"{OWN}/")]
    if own:
        sys.path.append(str(archive / OWN))
        _with_the_model.update(top_level(dict.fromkeys(own, "")))


def comes_with_the_model(target: str) -> bool:
    """Whether the target is in a module of the MLflow model that is being loaded."""
    return target.partition(".")[0] in _with_the_model


def _content(path: Path) -> Any:
    try:
        return read_yaml(path, aliases=True)
    except (OSError, ValueError):  # composing a config reports the error
        return None
