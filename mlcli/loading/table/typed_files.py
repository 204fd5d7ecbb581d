"""Files whose columns have types: Parquet, Arrow and JSON lines."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from mlcli.loading.table.bytes import Paths, as_utf8, find_files, read_bytes
from mlcli.loading.table.clean import tidy
from mlcli.loading.table.read import ReadOptions, TextTable, join
from mlcli.loading.table.values import column_of

INDEX = re.compile(r"__index_level_\d+__")  # the row labels of a pandas table


def read_parquet(path: Paths, options: ReadOptions) -> TextTable:
    """A file, a glob or several files. Raises ValueError in one line."""
    _refuse(options, "Parquet")
    return _read(path, _parquet)


def read_arrow(path: Paths, options: ReadOptions) -> TextTable:
    """Arrow files, Feather included, and Arrow streams. Raises ValueError in one line."""
    _refuse(options, "Arrow")
    return _read(path, _arrow)


def read_json_lines(path: Paths, options: ReadOptions) -> TextTable:
    """A JSON object per line. options.bad_rows: lines that are not one. Raises ValueError in one line."""
    _refuse(replace(options, bad_rows="error", encoding="auto"), "JSON lines")
    return _read(path, lambda file: _json_lines(read_bytes(file), str(file), options))


def _refuse(options: ReadOptions, what: str) -> None:
    """Raises ValueError for options of text."""
    for field in fields(options):
        if getattr(options, field.name) != field.default:
            raise ValueError(f"data.{field.name} is a setting of text, not of {what}: leave it out")


def _read(path: Paths, read: Callable[[Path], tuple[pa.Table, tuple[str, ...]]]) -> TextTable:
    files = find_files(path)
    found = [read(file) for file in files]
    tables = []
    for (table, _), file in zip(found, files, strict=True):
        if table.num_rows == 0:
            raise ValueError(f"{file} has no rows")
        tables.append(without_index(table, str(file)))
    notes = dict.fromkeys(note for _, own in found for note in own)
    return TextTable(join(tables, files), tuple(files), tuple(notes))


def without_index(table: pa.Table, source: str) -> pa.Table:
    """The table with names on one line, without the row labels of pandas. Raises ValueError as `check_names`."""
    table = table.rename_columns([tidy(name) for name in table.column_names])
    check_names(table.column_names, source)
    return table.drop_columns([name for name in table.column_names if INDEX.fullmatch(name)])


def check_names(names: Sequence[str], source: str) -> None:
    """Raises ValueError for columns without a name, and for two of one name."""
    if "" in names:
        raise ValueError(f"{source}: column {names.index('') + 1} has no name")
    twice = next((name for place, name in enumerate(names) if name in set(names[:place])), None)
    if twice is not None:
        raise ValueError(f"{source}: two columns are named {twice}: rename one of them")


def _parquet(file: Path) -> tuple[pa.Table, tuple[str, ...]]:
    try:
        return pyarrow.parquet.ParquetFile(file).read(), ()
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{file} cannot be read as Parquet: {_first_line(error)}") from error


def _arrow(file: Path) -> tuple[pa.Table, tuple[str, ...]]:
    data = pa.BufferReader(read_bytes(file))
    try:
        try:
            return pa.ipc.open_file(data).read_all(), ()
        except pa.ArrowInvalid:
            data.seek(0)
            return pa.ipc.open_stream(data).read_all(), ()
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{file} cannot be read as Arrow: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _json_lines(data: bytes, name: str, options: ReadOptions) -> tuple[pa.Table, tuple[str, ...]]:
    text, _ = as_utf8(data, name, options.encoding)
    table, notes = json_table(text.split(b"\n"), name, options)
    if not table.num_rows:
        raise ValueError(f"{name} has no rows")
    return table, notes


def json_table(
    lines: Sequence[bytes], name: str, options: ReadOptions, first: int = 1
) -> tuple[pa.Table, tuple[str, ...]]:
    """The JSON objects in these lines, and notes. first: the number of the first line, for messages."""
    rows: list[dict[str, Any]] = []
    skipped = 0
    for number, line in enumerate(lines, first):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            what = "" if isinstance(row, dict) else f"is {_json_name(row)}, not an object"
        except (ValueError, RecursionError) as error:
            what = f"is not valid JSON ({_first_line(error)})"
        if not what:
            rows.append(row)
        elif options.bad_rows == "skip":
            skipped += 1
        else:
            raise ValueError(f"{name}, line {number:,} {what}: use one object per line, or data.bad_rows=skip")
    names = dict.fromkeys(key for row in rows for key in row)
    notes = (f"{name}: {skipped:,} lines that are no JSON object skipped",) if skipped else ()
    return pa.table({key: column_of([row.get(key) for row in rows]) for key in names}), notes


def _json_name(value: Any) -> str:
    return {list: "a list", str: "a text", type(None): "null", bool: "a boolean"}.get(type(value), "a number")
