"""What is read of a table before the config of a run is composed: the names of its columns, and whether its target
asks for classification or regression."""

import gzip
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlcli.loading.table.bytes import as_utf8, find_files
from mlcli.loading.table.dialect import find_dialect
from mlcli.loading.table.examples import Settings, typed_table
from mlcli.loading.table.read import ReadOptions, TextTable, read_table
from mlcli.loading.table.target import task_of

HEAD = 1 << 20  # bytes of a file that the names of its columns are read from


def csv_columns(
    path: str | Sequence[str] | None = None, delimiter: str = "auto", encoding: str = "auto", **_: Any
) -> tuple[str, ...]:
    """The names in the header of the first file. The parameters are those of `data=csv`, as below. Raises
    ValueError."""
    file = find_files(path)[0]
    text, _encoding = as_utf8(_head(file), str(file), encoding)
    return find_dialect(text, str(file), delimiter).names


def csv_task(
    path: str | Sequence[str] | None = None,
    delimiter: str = "auto",
    encoding: str = "auto",
    bad_rows: Any = "error",
    **settings: Any,
) -> str:
    """The task that the target asks for, by `task_of`. Raises ValueError."""
    return table_task(read_table(path, ReadOptions(delimiter, encoding, bad_rows)), settings)


def table_task(table: TextTable, settings: Mapping[str, Any]) -> str:
    """The same for a table that has been read. settings: those of its data set."""
    as_classes = settings.get("as_classes")
    if as_classes is not None:
        return "classification" if as_classes else "regression"
    known = {name: settings[name] for name in ("target", "types", "ignore", "decimal", "dates") if name in settings}
    target, typed = typed_table(table, Settings(**known))
    return task_of(next(column for column in typed.columns if column.name == target))


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
