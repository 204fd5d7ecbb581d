"""What a config has to read in a table of the user's own before it can be composed: the names of its columns."""

from collections.abc import Sequence
from typing import Any

from mlcli.config import index
from mlcli.config.defaults import value_of
from mlcli.config.errors import ConfigError
from mlcli.config.locate import locate
from mlcli.config.quoting import parsed_override, quoted, read_mappings
from mlcli.traits import data_traits


def readable(overrides: Sequence[str], where: index.Folders | None = None) -> list[str]:
    """The overrides in a form that Hydra's grammar reads, with the columns of the table that they choose.

    where: the folders of configs, by default the shipped ones and ./conf.
    """
    return quoted(overrides, lambda: columns_of(overrides, where))


def columns_of(overrides: Sequence[str], where: index.Folders | None = None) -> Sequence[str] | None:
    """The columns of the table that the overrides choose; None where there is none, or it cannot be read."""
    settings = data_settings(overrides, where)
    try:
        columns = data_traits(locate(str(settings.pop("_target_", "")))).columns
        return columns(**settings) if columns is not None else None
    except (ConfigError, ImportError, OSError, TypeError, ValueError):  # the run itself reports what is wrong
        return None


def data_settings(overrides: Sequence[str], where: index.Folders | None = None) -> dict[str, Any]:
    """The settings of the data set that the overrides choose, as far as they are neither swept nor interpolated."""
    parsed = list(filter(None, map(parsed_override, quoted(overrides))))
    groups = index.groups(where)
    typed = {each.key_or_group: str(each.value()) for each in parsed if each.key_or_group in groups}
    chosen = index.chosen(typed, where)
    options = {group: chosen.get(group, "") for group in ("data", "experiment")}
    settings: Any = {"data": {}}
    for key, text in index.all_keys(options, where).items():
        if key.startswith("data."):
            settings["data"][key[5:]] = value_of(text)
    for each in parsed:
        if each.key_or_group.startswith("data.") and not each.is_sweep_override() and not each.is_delete():
            settings["data"][each.key_or_group[5:]] = each.value()
    read_mappings(settings)
    return settings["data"]  # type: ignore[no-any-return]  # plain data
