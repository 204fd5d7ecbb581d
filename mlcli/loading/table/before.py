"""What is read of a table before the config of a run is composed: the names of its columns, and whether its target
is one of classification or regression. The parameters of all functions are settings of the data set."""

import gzip
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow.parquet

from mlcli.loading.table.bytes import Paths, as_utf8, find_files
from mlcli.loading.table.dialect import find_dialect
from mlcli.loading.table.examples import Settings, typed_table
from mlcli.loading.table.files import Format, read_files
from mlcli.loading.table.read import ReadOptions, TextTable
from mlcli.loading.table.sql import read_sql
from mlcli.loading.table.target import task_of

HEAD = 1 << 20  # bytes of a file that the names of its columns are read from


def columns_of_files(format: Format, path: Paths = None, **settings: Any) -> Sequence[str]:
    """The names of the columns: from the head of the first file where that has them. Raises ValueError."""
    if format == "csv":
        file = find_files(path)[0]
        text, _ = as_utf8(_head(file), str(file), settings.get("encoding", "auto"))
        return find_dialect(text, str(file), settings.get("delimiter", "auto")).names
    if format == "parquet":
        file = find_files(path)[0]
        try:
            return list(pyarrow.parquet.read_schema(file).names)
        except (pyarrow.ArrowException, OSError) as error:
            raise ValueError(f"{file} cannot be read as Parquet: {error}") from error
    return list(read({"format": format, "path": path, **settings}).columns.column_names)


def task_of_settings(**settings: Any) -> str:
    """The task that suits the target, by `task_of`: "classification" or "regression". Raises ValueError."""
    as_classes = settings.get("as_classes")
    if as_classes is not None:
        return "classification" if as_classes else "regression"
    known = {field.name for field in fields(Settings)}
    own = Settings(**{name: value for name, value in settings.items() if name in known})
    target, typed = typed_table(read(settings), own)
    return task_of(next(column for column in typed.columns if column.name == target))


def columns_of_query(**settings: Any) -> Sequence[str]:
    """The names of the columns of a query's result. Raises ValueError."""
    return list(read(settings).columns.column_names)


def read(settings: Mapping[str, Any]) -> TextTable:
    """The table that the settings of a data set describe: files of a format, or the rows of a query. Raises
    ValueError."""
    if "format" not in settings:
        return read_sql(settings.get("url"), settings.get("query"))[0]
    return read_files(settings["format"], settings.get("path"), _options(settings))


def _options(settings: Mapping[str, Any]) -> ReadOptions:
    given = {field.name: settings[field.name] for field in fields(ReadOptions) if field.name in settings}
    return ReadOptions(**given)


def _head(file: Path) -> bytes:
    """The first lines of a file, unpacked if it is packed with gzip. Raises ValueError if it cannot be read."""
    try:
        with file.open("rb") as plain:
            is_packed = plain.read(2) == b"\x1f\x8b"
        with gzip.open(file) if is_packed else file.open("rb") as opened:
            data = opened.read(HEAD)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{file} cannot be read: {error}") from error
    if len(data) < HEAD:
        return data
    end = data.rfind(b"\n") + 1 or len(data)
    return data[: end + (end % 2 if b"\x00" in data[:100] else 0)]  # two bytes a character in UTF-16
