"""The command line of `mlcli train`: Hydra's flags, mlcli's own two and overrides, in any order."""

import argparse
from collections.abc import Sequence
from importlib.metadata import version

from hydra._internal.utils import get_args_parser

from mlcli.config import index
from mlcli.config.errors import ConfigError, suggest
from mlcli.config.paths import typed

CROSSVAL = ("folds", "repeats", "by", "metric")  # what `mlcli crossval` reads beside the groups
SHOWING = {"cfg": "--cfg", "info": "--info", "hydra_help": "--hydra-help", "shell_completion": "--shell-completion"}


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Raises ConfigError for a flag that is unknown, has an invalid value, or has no effect with the others."""
    parser = get_args_parser()
    parser.add_argument("-q", "--quiet", action="store_true")
    parser.add_argument("-v", "--verbose", action="store_true")
    for action in parser._actions:
        if isinstance(action, argparse._VersionAction):
            action.version = f"mlcli {version('mlcli')}, {action.version}"  # Hydra's
    parser.exit_on_error = False

    def fail(message: str) -> None:
        raise ConfigError(f"{message[0].upper()}{message[1:]}. See `mlcli train --help`.")

    parser.error = fail  # type: ignore[method-assign, assignment]
    try:
        flags, unknown = parser.parse_known_intermixed_args(list(arguments))
    except argparse.ArgumentError as error:
        fail(str(error))
    if unknown:
        raise ConfigError(_unknown(unknown[0], parser))
    flags.overrides = [typed(override) for override in flags.overrides]
    _check(flags)
    return flags


def _unknown(flag: str, parser: argparse.ArgumentParser) -> str:
    """The message for an unknown flag, with the setting or flag that was probably meant."""
    name, _, value = flag.lstrip("-").partition("=")
    if "." in name or name in (*index.groups(), *CROSSVAL):
        return f"There is no option {flag.partition('=')[0]}: settings have no dashes, use {name}={value or 'VALUE'}."
    known = [option for action in parser._actions for option in action.option_strings if option[:2] == "--"]
    hint = " Settings have no dashes, as in model=lstm; see `mlcli train --help`."
    return f"There is no option {flag}.{suggest(flag, known, listed=False)}{hint}"


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
