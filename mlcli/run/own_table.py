"""What other settings than those of `data` say to the function of a table of the user's own."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlcli.config.errors import ConfigError
from mlcli.config.locate import locate
from mlcli.config.settings import Settings
from mlcli.loading.table.bytes import find_files, stem
from mlcli.traits import data_traits

ARGUMENTS = {"group": "group", "time": "time", "column": "split_column"}  # by the word before the colon of split.by
PARTS = {"val_path", "test_path", "group", "time", "split_column", "weight"}  # of `data`
AS_CLASSES = {"classification": True, "regression": False}


def is_own_table(cfg: Settings) -> bool:
    """Whether the data is a table of the user's own."""
    return data_traits(locate(str(cfg.data["_target_"]))).columns is not None


def table_arguments(cfg: Settings) -> dict[str, Any]:
    """What split.by and the task say about the columns of a table; {} for other data. Raises ConfigError for a column
    that is named twice or of data that has none."""
    word, _, column = str(cfg.split.by).partition(":")
    if not is_own_table(cfg):
        if column:
            instead = "split.by=example" if word == "column" else f"split.by={word}"
            raise ConfigError(
                f"split.by={cfg.split.by}: data={_name(cfg)} has no columns of your own; use {instead}."
            )
        return {}
    made: dict[str, Any] = {}
    if column:
        name = ARGUMENTS[word]
        other = cfg.data.get(name)
        if other not in (None, column):
            raise ConfigError(f"split.by={cfg.split.by} and data.{name}={other} differ: leave out data.{name}.")
        made[name] = column
    task = locate(str(cfg.task["_target_"])).__module__.rpartition(".")[2]
    if cfg.data.get("as_classes") is None and task in AS_CLASSES:
        made["as_classes"] = AS_CLASSES[task]
    return made


def without_parts(cfg: Settings) -> Settings:
    """The same without what divides, orders or weighs the rows, which another table need not have."""
    made = copy.deepcopy(cfg)
    made.split.by = "example"
    for name in PARTS & made.data.keys():
        made.data[name] = None
    return made


def files_of(cfg: Settings) -> tuple[tuple[str, int, int], ...]:
    """The files of the table with the time of their last change and their size; () for a database. Raises ValueError
    where there are none."""
    given = [cfg.data.get(name) for name in ("path", "val_path", "test_path")]
    files = [file for path in given if path for file in find_files(path)]
    return tuple((str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files)


@contextmanager
def named_as_typed(cfg: Settings) -> Iterator[None]:
    """Errors about the column in split.by name that setting, which the function of the table does not have."""
    word, _, column = str(cfg.split.by).partition(":")
    try:
        yield
    except ValueError as error:
        start = f"data.{ARGUMENTS.get(word)}={column}:"
        if not column or not str(error).startswith(start):
            raise
        raise ValueError(f"split.by={cfg.split.by}:{str(error).removeprefix(start)}") from error


def table_name(cfg: Settings) -> str:
    """The name of the table's first file without its ending; the format for a glob; "" for other data."""
    path = cfg.data.get("path") if is_own_table(cfg) else None
    if not path:
        return ""
    name = stem(Path(path if isinstance(path, str) else path[0]))
    return str(cfg.data.get("format", "table")) if set(name) & set("*?[") else name


def split_unit(cfg: Settings) -> str:
    """The unit of the split, without its column: `split.by=column:COL` gives official splits."""
    word = str(cfg.split.by).partition(":")[0]
    return "example" if word == "column" else word


def _name(cfg: Settings) -> str:
    return str(cfg.data["_target_"]).rpartition(".")[2]
