"""Configs of runs for tests, each composed once in a process: composing takes longer than many tests."""

import copy
from functools import cache
from pathlib import Path

from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.config.own_code import own_configs
from mlcli.config.settings import Settings


def run_config(*overrides: str) -> Settings:
    """The config of `mlcli train OVERRIDES` in the current folder; a copy, which may be changed."""
    if own_configs():
        return _compose(overrides)  # the files in ./conf may change during a test
    return copy.deepcopy(_composed(overrides, Path.cwd()))


@cache
def _composed(overrides: tuple[str, ...], folder: Path) -> Settings:
    """Paths in a config may depend on the folder."""
    return _compose(overrides)


def _compose(overrides: tuple[str, ...]) -> Settings:
    with hydra_session() as hydra:
        return to_run(compose(hydra, overrides))
