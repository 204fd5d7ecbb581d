"""What is read of a table before the config of a run is composed: the names of its columns, and whether its target
asks for classification or regression. The parameters of all functions are settings of the data set."""

import gzip
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow.parquet

from mlcli.loading.table.bytes import as_utf8, find_files
from mlcli.loading.table.dialect import find_dialect
from mlcli.loading.table.examples import Settings, typed_table
from mlcli.loading.table.read import ReadOptions, TextTable, read_table
from mlcli.loading.table.sql import read_sql
from mlcli.loading.table.target import task_of
from mlcli.loading.table.typed_files import read_arrow, read_json_lines, read_parquet

HEAD = 1 << 20  # bytes of a file that the names of its columns are read from

Paths = str | Sequence[str] | None


def columns_of_text(path: Paths = None, delimiter: str = "auto", encoding: str = "auto", **_: Any) -> Sequence[str]:
    """The names in the header of the first file of text. Raises ValueError."""
    file = find_files(path)[0]
    text, _encoding = as_utf8(_head(file), str(file), encoding)
    return find_dialect(text, str(file), delimiter).names


def columns_of_parquet(path: Paths = None, **_: Any) -> Sequence[str]:
    """The names in the first file's schema. Raises ValueError."""
    file = find_files(path)[0]
    try:
        return list(pyarrow.parquet.read_schema(file).names)
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"{file} cannot be read as Parquet: {error}") from error


def columns_of(read: Callable[[Mapping[str, Any]], TextTable]) -> Callable[..., Sequence[str]]:
    """The names of a table that is read completely."""

    def columns(**settings: Any) -> Sequence[str]:
        return list(read(settings).columns.column_names)

    return columns


def task_from(read: Callable[[Mapping[str, Any]], TextTable]) -> Callable[..., str]:
    """The task that the target of a table asks for, by `task_of`."""
    known = {field.name for field in fields(Settings)}

    def task(**settings: Any) -> str:
        as_classes = settings.get("as_classes")
        if as_classes is not None:
            return "classification" if as_classes else "regression"
        own = Settings(**{name: value for name, value in settings.items() if name in known})
        target, typed = typed_table(read(settings), own)
        return task_of(next(column for column in typed.columns if column.name == target))

    return task


def read_as_text(settings: Mapping[str, Any]) -> TextTable:
    """A table of text. Raises ValueError."""
    return read_table(settings.get("path"), _options(settings))


def read_as_parquet(settings: Mapping[str, Any]) -> TextTable:
    """A table in Parquet. Raises ValueError."""
    return read_parquet(settings.get("path"))


def read_as_arrow(settings: Mapping[str, Any]) -> TextTable:
    """A table in Arrow. Raises ValueError."""
    return read_arrow(settings.get("path"))


def read_as_json_lines(settings: Mapping[str, Any]) -> TextTable:
    """A table of JSON lines. Raises ValueError."""
    return read_json_lines(settings.get("path"), _options(settings))


def read_as_sql(settings: Mapping[str, Any]) -> TextTable:
    """A table in a database. Raises ValueError."""
    return read_sql(settings.get("url"), settings.get("query"))[0]


READERS: dict[str, Callable[[Mapping[str, Any]], TextTable]] = {
    "csv": read_as_text,
    "parquet": read_as_parquet,
    "arrow": read_as_arrow,
    "jsonl": read_as_json_lines,
    "sql": read_as_sql,
}  # by the option of `data`


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
