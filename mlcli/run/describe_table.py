"""Describes a table of the user's own as a run would read it, without training anything."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from mlcli.config.check import check_call, check_urls
from mlcli.config.errors import ConfigError, as_config_error, suggest
from mlcli.config.own_table import data_settings, readable
from mlcli.config.settings import settings as as_settings
from mlcli.loading.table.before import read
from mlcli.loading.table.describe import TableDescription, describe
from mlcli.loading.table.examples import Settings
from mlcli.loading.table.files import format_of
from mlcli.loading.table.html import html_report
from mlcli.loading.table.target import find_column
from mlcli.run.own_table import ARGUMENTS


class OwnTable:
    """A table that the words of a command line name: a file or glob, or the address of a database."""

    def __init__(self, source: str, overrides: Sequence[str]) -> None:
        """source: data.path, or data.url. overrides: data.KEY=VALUE and split.by=…, as of `mlcli train`. Raises
        ConfigError, also for what cannot be read."""
        self.source = source
        is_url = "://" in source or source.startswith("env:")
        self.option = "sql" if is_url else format_of(source)
        given = [f"data={self.option}", f"data.{'url' if is_url else 'path'}={source}", *overrides]
        check_urls(given)
        node = self._node(readable(given))
        known = {field.name for field in fields(Settings)}
        self.settings = Settings(**{name: value for name, value in node.items() if name in known})
        with as_config_error():
            self.table = read(node)
            for key in ("weight", "group", "time", "split_column"):
                if (column := getattr(self.settings, key)) is not None:
                    find_column(self.table.columns.column_names, column, f"data.{key}")
            paths = {part: node.get(f"{part}_path") for part in ("val", "test")}
            self.parts = {part: read({**node, "path": path}) for part, path in paths.items() if path}

    def describe(self) -> TableDescription:
        """Raises ConfigError for settings that name no column, and for ambiguous dates."""
        with as_config_error():
            return describe(self.table, self.settings, self.parts)

    def html(self) -> str:
        """The table as one HTML page. Raises ConfigError if skrub is not installed."""
        with as_config_error():
            return html_report(self.table, self.settings, Path(self.source).name)

    def _node(self, overrides: Sequence[str]) -> dict[str, Any]:
        """The settings of the data set. Raises ConfigError for words that are none."""
        words = dict(text.partition("=")[::2] for text in overrides)
        for key in words:
            if not key.startswith("data.") and key not in ("data", "split.by"):
                raise ConfigError(f"{key}: `mlcli data` takes data.KEY=VALUE and split.by=…, as `mlcli train` does.")
        node: dict[str, Any] = as_settings(data_settings(overrides))
        check_call("data", node)
        by, colon, column = _split_by(overrides)
        if colon and by in ARGUMENTS:
            node[ARGUMENTS[by]] = column
        elif by not in ("", "example", "class", "group", "time"):
            raise ConfigError(f"split.by={by}{colon}{column}: no such choice.{suggest(by, ARGUMENTS)}")
        return node


def _split_by(overrides: Sequence[str]) -> tuple[str, str, str]:
    from mlcli.config.quoting import text_of

    value = next((text.partition("=")[2] for text in overrides if text.startswith("split.by=")), "")
    return text_of(value).partition(":")
