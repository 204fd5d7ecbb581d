"""The command line of `mlcli train`: Hydra's flags, mlcli's own two and overrides, in any order."""

import argparse
from collections.abc import Sequence

from hydra._internal.utils import get_args_parser

from mlcli.config.errors import ConfigError
from mlcli.config.paths import typed

SHOWING = {"cfg": "--cfg", "info": "--info", "hydra_help": "--hydra-help", "shell_completion": "--shell-completion"}


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Raises ConfigError for a flag that is unknown, has a wrong value or means nothing beside the others."""
    parser = get_args_parser()
    parser.add_argument("-q", "--quiet", action="store_true")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.exit_on_error = False

    def fail(message: str) -> None:
        raise ConfigError(f"{message[0].upper()}{message[1:]}. See `mlcli train --help`.")

    parser.error = fail  # type: ignore[method-assign, assignment]
    try:
        flags = parser.parse_intermixed_args(list(arguments))
    except argparse.ArgumentError as error:
        fail(str(error))
    flags.overrides = [typed(override) for override in flags.overrides]
    _check(flags)
    return flags


def _check(flags: argparse.Namespace) -> None:
    if flags.experimental_rerun is not None:
        raise ConfigError("--experimental-rerun loads a pickle, which mlcli does not: use the run's overrides.")
    if flags.run and flags.multirun:
        raise ConfigError("--run and --multirun exclude each other: use one of them.")
    if flags.quiet and flags.verbose:
        raise ConfigError("--quiet and --verbose exclude each other: use one of them.")
    showing = [name for key, name in SHOWING.items() if getattr(flags, key)]
    if len(showing) > 1:
        raise ConfigError(f"{' and '.join(showing)} exclude each other: use one of them.")
    for given, name in ((flags.package is not None, "--package"), (flags.resolve, "--resolve")):
        if given and not flags.cfg:
            raise ConfigError(f"{name} says what --cfg shows: use it with --cfg job.")
    for name in ("config_name", "config_path", "config_dir"):
        if getattr(flags, name) == "":
            raise ConfigError(f"--{name.replace('_', '-')} is empty.")
