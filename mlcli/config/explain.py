"""Exceptions of Hydra and OmegaConf in one sentence."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    InterpolationKeyError,
    InterpolationResolutionError,
    OmegaConfBaseException,
    UnsupportedInterpolationType,
    ValidationError,
)

from mlcli import renamed
from mlcli.config import index
from mlcli.config.config_lines import locate_line, texts
from mlcli.config.errors import ConfigError, UnknownKey, suggest
from mlcli.config.meant import meant, meant_option

# Hydra's messages for an override that does not fit the config; the group is its key.
MISFIT = re.compile(
    r"(?:Could not override|Could not delete(?: from config\.)?|Could not append to config\. An item is already at)"
    r" '([^']+)'"
)


# Packages that add options to hydra/launcher.
PACKAGES = {
    "joblib": "hydra-joblib-launcher",
    "ray": "hydra-ray-launcher",
    "submitit_local": "hydra-submitit-launcher",
    "submitit_slurm": "hydra-submitit-launcher",
}
ALL_KEYS = " See `mlcli train --cfg job` for all of them."


@contextmanager
def explained(*passed: type[Exception]) -> Iterator[None]:
    """Turns exceptions of Hydra and OmegaConf into ConfigError, except those in `passed`."""
    try:
        yield
    except passed:
        raise
    except (HydraException, OmegaConfBaseException) as error:
        key = misfit(error)
        raise (UnknownKey(_explain(error), key) if key else ConfigError(_explain(error))) from error


@contextmanager
def composing(*passed: type[Exception]) -> Iterator[None]:
    """For calls of Hydra, which raises all kinds of exceptions for broken config files: turns them into ConfigError,
    except those in `passed`."""
    try:
        with explained(*passed):
            yield
    except passed:
        raise
    except ConfigError:
        raise
    except RecursionError as error:
        last = next(reversed(texts), "config.yaml")
        raise ConfigError(f"{last}: its defaults list leads back to itself.") from error
    except (ValueError, TypeError, AssertionError, AttributeError, LookupError, RuntimeError) as error:
        if "Config group override must be" in str(error):
            raise ConfigError("A group is set to the name of an option, as in model=mlp.") from error
        raise ConfigError(f"This config cannot be composed ({_first_line(error)}).") from error


def misfit(error: Exception) -> str | None:
    """The key of the override that cannot be applied to this config; None for other errors."""
    found = MISFIT.search(str(error)) if isinstance(error, ConfigCompositionException) else None
    return found.group(1) if found and not isinstance(error.__cause__, ValidationError) else None


def _explain(error: Exception) -> str:
    """One sentence for an exception of Hydra or OmegaConf."""
    cause = error.__cause__
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        return _missing_option(error)
    if isinstance(cause, ConfigAttributeError | ConfigKeyError):
        return _unknown_key(cause)
    if isinstance(cause, ValidationError):
        return _wrong_value(error, cause)
    if isinstance(error, OverrideParseException) and not re.match(r"[^=]+=|~", error.override):
        return f"{error.override!r} sets nothing: use KEY=VALUE, without spaces around the =."
    if isinstance(error, OverrideParseException) and (function := re.search(r"Unknown function '(\w+)'", str(cause))):
        return f"{error.override}: there is no function {function[1]}: use a list, as in 1e-3,1e-2, or range(1,4)."
    if isinstance(error, OverrideParseException):
        return f"Cannot read {error.override!r}: quote special characters, as in 'key=\"a b\"'."
    if isinstance(error, ConfigCompositionException):
        return _composition(error)
    if isinstance(error, InterpolationKeyError | InterpolationResolutionError | UnsupportedInterpolationType):
        return _interpolation(error)
    return _first_line(error)


def _interpolation(error: OmegaConfBaseException) -> str:
    """The location of a setting with an interpolation, and what is wrong with it."""
    text, key = _first_line(error), str(error.full_key or error.key or "")
    missing = re.search(r"Interpolation key '([^']+)'|interpolation type (\S+)", text)
    name = next(filter(None, missing.groups())) if missing else ""
    where = locate_line(rf"^\s*-?\s*{re.escape(key.rpartition('.')[2])}\s*:.*\$\{{.*{re.escape(name)}") if key else ""
    hint = f"; Hydra's own settings are ${{hydra:{name.removeprefix('hydra.')}}}" if name.startswith("hydra.") else ""
    return f"{where}{key}: {text}{hint}." if key else f"{text}{hint}."


def _missing_option(error: MissingConfigException) -> str:
    path, options = str(error.missing_cfg_file), sorted(error.options or ())
    groups = [name for name in (*index.groups(), *index.HYDRA_GROUPS) if path.startswith(f"{name}/")]
    group = max(groups, key=len, default=path.rpartition("/")[0])
    option = path[len(group) :].lstrip("/")
    name = Path(option).stem
    if "/" in option or option.endswith((".yaml", ".csv", ".json", ".py")):
        own = f"{group}={name}" if name in options else f"a file conf/{group}/NAME.yaml for one of your own"
        return f"{group}={option}: an option is a name in its group, not a path: use {own}; see `mlcli list {group}`."
    if group == "hydra/launcher" and option in PACKAGES:
        return (
            f"There is no {group} named {option!r}: run pip install {PACKAGES[option]}, or use {'|'.join(options)}."
        )
    if found := meant_option(group, option, options):
        return f"There is no {group} named {option!r}. Did you mean {found}? Choices: {', '.join(options)}."
    return f"There is no {group or 'config'} named {option!r}.{suggest(option, options)}"


def _unknown_key(cause: OmegaConfBaseException) -> str:
    """The unknown key, with the one that was probably meant, or else the options of its group that have it."""
    full_key, key, parent = str(cause.full_key), str(cause.key), cause.parent_node
    prefix = full_key[: -len(key)]
    siblings = [f"{prefix}{name}" for name in (parent or {}) if f"{prefix}{name}" != "hydra"]
    group = prefix.partition(".")[0]
    if key in ("name", "type", "class") and f"{group}." == prefix and len(index.options(group)) > 1:
        return f"There is no {full_key} in this config: use {group}=OPTION, see `mlcli list {group}`."
    everywhere = leaves_of(parent._get_root() if parent is not None else None)
    near = meant(full_key, [*everywhere, *siblings, *renamed.KEYS])  # former keys lead to their successor
    if near:
        return f"There is no {full_key} in this config. Did you mean {renamed.key(near)}?"
    others = _options_with(full_key)
    listing = f" It is a setting of {'|'.join(others)}." if others else ""
    listing += f" Keys here: {', '.join(siblings)}." if siblings else ""
    return f"There is no {full_key} in this config.{listing}{'' if prefix else ALL_KEYS}"


def _options_with(key: str) -> list[str]:
    """The options of a key's group that have the key, as in `optimizer=nesterov`, `sgd`."""
    group, dot, _ = key.partition(".")
    found = [option for option in index.options(group) if key in index.keys(group, option)] if dot else []
    return [f"{group}={found[0]}", *found[1:]] if found else []


def leaves_of(root: object, prefix: str = "") -> list[str]:
    """Dotted keys of all nodes below `root`, without those of Hydra."""
    if not OmegaConf.is_dict(root):
        return []
    names: list[str] = []
    for key in root:  # type: ignore[attr-defined]  # is_dict does not narrow
        if prefix or key != "hydra":
            child = root._get_node(key)  # type: ignore[attr-defined]  # interpolations stay unresolved
            names += [f"{prefix}{key}", *leaves_of(child, f"{prefix}{key}.")]
    return names


def _wrong_value(error: Exception, cause: ValidationError) -> str:
    match = re.match(r"Error merging override (\S+)", str(error))
    what = match.group(1) if match else f"{cause.full_key}"
    kind = re.search(r"could not be converted to (Integer|Float)$", _first_line(cause))
    if kind:
        use = _as_number(what.partition("=")[2], whole := kind.group(1) == "Integer")
        return f"{what}: must be a {'whole number' if whole else 'number'}{use}."
    return f"{what}: {_first_line(cause)}."


def _as_number(text: str, whole: bool) -> str:
    """`, use 1000` for 1e3 where whole numbers are wanted, `, use 0.2` for 20 %."""
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        return ""
    if not whole:
        return f", use {value:g}"
    return f", use {value:.0f}" if value.is_integer() else ""


def _composition(error: ConfigCompositionException) -> str:
    text = str(error)
    group = re.search(r"config group '([^']+)' does not|Could not override '([^']+)'", text)
    if "requires --multirun" in text or "Ambiguous value" in text:
        override = re.search(r"'([^']+)'", text)
        return f"{override.group(1) if override else 'This'} is a sweep: add -m to run one trial per value."
    if group and "No match in the defaults list" in text:
        return f"There is no config group {(group.group(1) or group.group(2))!r}."
    return _first_line(error)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if lines and lines[0].endswith("raised while composing config:"):
        lines[:2] = [" ".join(lines[:2])]
    return lines[0].rstrip(".") if lines else type(error).__name__
