"""The command line of `mlcli train`: Hydra's flags, mlcli's own flags and overrides, in any order."""

import argparse
from collections.abc import Sequence
from importlib.metadata import version

from hydra._internal.utils import get_args_parser

from mlcli.config import index
from mlcli.config.errors import ConfigError, suggest
from mlcli.config.meant import meant
from mlcli.config.paths import typed
from mlcli.config.stray_words import check_words

CROSSVAL = ("folds", "repeats", "by", "metric")  # what `mlcli crossval` reads beside the groups
SWEEP = ("sweep", "grid", "search", "tune")  # flags of other tools
SHOWING = {"cfg": "--cfg", "info": "--info", "hydra_help": "--hydra-help", "shell_completion": "--shell-completion"}


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Raises ConfigError for a flag that is unknown, has an invalid value, or has no effect with the others."""
    parser = get_args_parser()
    parser.add_argument("-q", "--quiet", action="store_true")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--json", action="store_true")
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
        raise ConfigError(_unknown(unknown[0], list(arguments), parser))
    if not flags.shell_completion:
        check_words(flags.overrides, flags.multirun)
    flags.overrides = [typed(override) for override in flags.overrides]
    _check(flags)
    return flags


def _unknown(flag: str, arguments: list[str], parser: argparse.ArgumentParser) -> str:
    """The message for an unknown flag, with the setting or flag that was probably meant."""
    given, _, value = flag.partition("=")
    if not value and arguments.index(flag) + 1 < len(arguments):
        after = arguments[arguments.index(flag) + 1]
        value = "" if after.startswith("-") or "=" in after else after
    key = _setting(given.lstrip("-").replace("-", "_"), arguments) if given.startswith("--") else None
    if key:
        setting = key if "=" in key else f"{key}={value or 'VALUE'}"
        return f"There is no option {given}: settings have no dashes, use {setting}."
    if given.lstrip("-") in SWEEP:
        return f"There is no option {given}: a sweep is -m, as in -m optimizer.lr=1e-3,1e-2."
    known = [option for action in parser._actions for option in action.option_strings if option[:2] == "--"]
    hint = " Settings have no dashes, as in model=lstm; see `mlcli train --help`."
    return f"There is no option {given}.{suggest(given, known, listed=False)}{hint}"


def _setting(name: str, arguments: list[str]) -> str | None:
    """The group or setting of this name or meaning, with the options that are chosen on the command line."""
    groups = index.groups()
    if name in SWEEP:
        return None
    if "." in name or name in (*groups, *CROSSVAL):
        return name
    typed = dict(word.partition("=")[::2] for word in arguments if word.partition("=")[0] in groups)
    return meant(name, list(index.all_keys(index.chosen(typed))), exact=True)


def _check(flags: argparse.Namespace) -> None:
    if flags.experimental_rerun is not None:
        raise ConfigError("--experimental-rerun loads a pickle, which mlcli does not: use the run's overrides.")
    if flags.run and flags.multirun:
        raise ConfigError("--run and --multirun exclude each other: use one of them.")
    if flags.quiet and flags.verbose:
        raise ConfigError("--quiet and --verbose exclude each other: use one of them.")
    showing = [name for key, name in SHOWING.items() if getattr(flags, key)]
    if showing and flags.dry_run:
        showing.append("--dry-run")
    if showing and flags.json:
        showing.append("--json")
    if flags.dry_run and flags.json:
        showing = ["--dry-run", "--json"]
    if len(showing) > 1:
        raise ConfigError(f"{' and '.join(showing)} exclude each other: use one of them.")
    for given, name in ((flags.package is not None, "--package"), (flags.resolve, "--resolve")):
        if given and not flags.cfg:
            raise ConfigError(f"{name} says what --cfg shows: use it with --cfg job.")
    for name in ("config_name", "config_path", "config_dir"):
        if getattr(flags, name) == "":
            raise ConfigError(f"--{name.replace('_', '-')} is empty.")
