"""Overrides of the config of a stored run."""

from collections.abc import Sequence
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.config.errors import ConfigError
from mlcli.config.paths import make_absolute
from mlcli.config.quoting import TEXTS, text_of
from mlcli.config.settings import Settings, resolved


def override(cfg: Settings, overrides: Sequence[str], config_dir: str | None) -> None:
    """Applies overrides in place: a group is composed again, a value is set in the stored config. Raises
    ConfigError."""
    groups = [each for each in overrides if "." not in each.partition("=")[0]]
    if groups:
        with hydra_session(config_dir) as hydra:
            composed = to_run(compose(hydra, groups, resolve=False))
        for each in groups:
            group = each.partition("=")[0]
            cfg[group] = composed[group]
    for each in overrides:
        if each not in groups:
            _set(cfg, each)
    if overrides:
        make_absolute(cfg)


def _set(cfg: Settings, override: str) -> None:
    """Sets a value of the config, given as text. Raises ConfigError for a key that it does not have."""
    key = override.partition("=")[0]
    *parents, name = key.split(".")
    node: Any = cfg
    for parent in parents:
        node = node.get(parent, {})
        if not isinstance(node, Settings):
            break
    if not isinstance(node, Settings) or name not in node:
        raise ConfigError(f"There is no {key} in this run's config.")
    node[name] = _value(override, key in TEXTS or isinstance(node[name], str))


def _value(override: str, is_text: bool) -> Any:
    """The value of an override, read as YAML. is_text: of a setting that is a text, which is taken as typed."""
    key, _, text = override.partition("=")
    if "${" not in text and is_text and text.lower() not in ("null", ""):
        return text_of(text)
    try:
        value = resolved(OmegaConf.from_dotlist([override]))
    except (YAMLError, OmegaConfBaseException) as error:
        raise ConfigError(f"{override}: cannot be read as YAML ({' '.join(str(error).split())})") from error
    for name in key.split("."):
        value = value[name]
    return value
