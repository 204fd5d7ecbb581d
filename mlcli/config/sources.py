"""Reads config files as Hydra does, with file and line in error messages.

A file may contain anything: invalid YAML, a list, or aliases that expand to gigabytes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult
from omegaconf import OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from mlcli import renamed
from mlcli.config import config_lines
from mlcli.config.errors import ConfigError

MOST_BYTES = 1_000_000  # of a config file
MOST_NODES = 100_000  # of a config with all aliases (`*name`) expanded


class CheckedSource(FileConfigSource):
    """Raises ConfigError with file and line for a file that is not a config."""

    def load_config(self, config_path: str) -> ConfigResult:
        path = Path(self.path, self._normalize_file_name(config_path))
        try:
            text = _read(path)
            result = super().load_config(config_path)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = f":{mark.line + 1}" if mark else ""
            raise ConfigError(f"{path}{line}: {error.problem or error.context}.") from error
        except ConfigError:
            raise
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path}: is not UTF-8 text.") from error
        except (yaml.YAMLError, OmegaConfBaseException, OSError, ValueError) as error:
            raise ConfigError(f"{path}: {str(error).strip().splitlines()[0]}.") from error
        except RecursionError as error:
            raise ConfigError(f"{path}: nested too deeply for a config.") from error
        if not OmegaConf.is_dict(result.config):
            raise ConfigError(f"{path}:1: a config is a mapping (key: value), not a list.")
        config_lines.texts[str(path)] = text
        if config_path.startswith("data/") and "override" in text:
            _drop_overrides(result.config)
        if renamed.mentioned(text):
            result.config = OmegaConf.create(
                renamed.config(OmegaConf.to_container(result.config), _package(result, config_path), quiet=False)
            )
        return result


def _drop_overrides(config: Any) -> None:
    """Removes the `override` entries of a data set, which Hydra refuses: it visits tasks and models before. They are
    applied before composing (`index.of_data`)."""
    entries = config.get("defaults")
    if OmegaConf.is_list(entries):
        kept = [
            each
            for each in entries
            if not (OmegaConf.is_dict(each) and str(next(iter(each), "")).startswith("override "))
        ]
        with open_dict(config):
            config["defaults"] = kept


def _package(result: ConfigResult, config_path: str) -> str:
    """The key below which a file's settings are found, as it says itself; else its group."""
    group = config_path.rpartition("/")[0].replace("/", ".")
    return str(result.header.get("package") or group).replace("_group_", group).removeprefix("_global_").lstrip(".")


def register() -> None:
    """Registers the checked reader in place of Hydra's, which has to be registered first, with its other plugins."""
    Plugins.instance()
    SourcesRegistry.instance().types["file"] = CheckedSource


@contextmanager
def hydra_reader() -> Iterator[None]:
    """Registers Hydra's own reader inside. Launchers send the registry to their processes, which register Hydra's
    plugins in it again, and then fail at a reader of another name."""
    types = SourcesRegistry.instance().types
    before, types["file"] = types["file"], FileConfigSource
    try:
        yield
    finally:
        types["file"] = before


def _read(path: Path) -> str:
    """The text of a file. Raises ConfigError if it, or its expanded form, is too large."""
    if path.stat().st_size > MOST_BYTES:
        raise ConfigError(f"{path}: larger than the limit for configs, {MOST_BYTES:,} bytes.")
    text = path.read_text(encoding="utf-8")
    if "*" in text and "&" in text:
        _check_aliases(path, yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    return text


def _check_aliases(path: Path, root: yaml.Node | None) -> None:
    """Raises ConfigError for aliases that expand to too many nodes, or contain themselves."""
    sizes: dict[int, int] = {}
    open_: set[int] = set()

    def size(node: yaml.Node) -> int:
        if id(node) in open_:
            raise ConfigError(f"{path}:{node.start_mark.line + 1}: contains itself through an alias.")
        if id(node) not in sizes:
            open_.add(id(node))
            children = node.value if isinstance(node.value, list) else []
            flat = [each for child in children for each in (child if isinstance(child, tuple) else (child,))]
            sizes[id(node)] = 1 + sum(map(size, flat))
            open_.discard(id(node))
        if sizes[id(node)] > MOST_NODES:
            raise ConfigError(
                f"{path}:{node.start_mark.line + 1}: its aliases expand to more than {MOST_NODES:,} nodes."
            )
        return sizes[id(node)]

    if root is not None:
        size(root)
