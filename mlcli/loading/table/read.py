"""Tables of text: every column is read as texts, whatever it holds, by pyarrow."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv

from mlcli.loading.table.bytes import LONGEST_LINE, Paths, as_utf8, find_files, read_bytes
from mlcli.loading.table.clean import EXACT_NULLS, shown
from mlcli.loading.table.dialect import Dialect, find_dialect

BLOCK = 32 << 20  # bytes; more than a line may have


@dataclass(frozen=True)
class ReadOptions:
    """How files are read. delimiter, encoding: auto or given. bad_rows: what happens to a row with another number of
    fields than the header."""

    delimiter: str = "auto"
    encoding: str = "auto"
    bad_rows: Literal["error", "skip"] = "error"


@dataclass(frozen=True, eq=False)
class TextTable:
    """columns: of texts, null where missing; of other types where the file has types. files: those it was read from.
    notes: guesses that a person might want to correct, a line each."""

    columns: pa.Table
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return int(self.columns.num_rows)


def read_table(path: Paths, options: ReadOptions | None = None) -> TextTable:
    """Reads a file (plain or gzip), a glob or several files with the same columns. Raises ValueError in one line."""
    files = find_files(path)
    tables = [parse_table(read_bytes(file), str(file), options) for file in files]
    return TextTable(join([table.columns for table in tables], files), tuple(files), _joined_notes(tables))


def _joined_notes(tables: Sequence[TextTable]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(note for table in tables for note in table.notes))


def join(tables: Sequence[pa.Table], files: Sequence[Path]) -> pa.Table:
    """The rows of all files. Raises ValueError if their columns differ."""
    first = tables[0]
    for table, file in zip(tables[1:], files[1:], strict=True):
        lacking = [name for name in first.column_names if name not in set(table.column_names)]
        further = [name for name in table.column_names if name not in set(first.column_names)]
        if lacking or further:
            what = f"lacks column {lacking[0]}" if lacking else f"has a further column {further[0]}"
            raise ValueError(f"{file} {what}, compared with {files[0]}: the files must have the same columns")
    try:
        return pa.concat_tables([table.select(first.column_names) for table in tables])
    except pa.ArrowInvalid as error:
        raise ValueError(f"{files[0]} and the other files have columns of different types") from error


def parse_table(data: bytes, name: str, options: ReadOptions | None = None) -> TextTable:
    """The bytes of one file as a table. Raises ValueError in one line."""
    options = options or ReadOptions()
    text, encoding = as_utf8(data, name, options.encoding)
    dialect = find_dialect(text, name, options.delimiter)
    notes = []
    if options.encoding == "auto" and encoding == "cp1252":
        notes.append(f"{name} is not UTF-8 and was read as cp1252; if letters are wrong, use data.encoding=…")
    if dialect.skipped:
        shown = "; ".join(dialect.skipped)[:60]
        notes.append(f"{name}: '{shown}' above the header was taken for a title and left out")
    if len(dialect.names) == 1 and options.delimiter == "auto":
        notes.append(f"{name} has one column only; if that is wrong, use data.delimiter=…")
    columns, skipped = _parse(text, name, dialect, options.bad_rows)
    if skipped:
        notes.append(f"{name}: {skipped:,} row{'s'[: skipped > 1]} with another number of fields skipped")
    if columns.num_rows == 0:
        raise ValueError(f"{name} has a header but no rows")
    return TextTable(columns, notes=tuple(notes))


def _parse(text: bytes, name: str, dialect: Dialect, bad_rows: str) -> tuple[pa.Table, int]:
    """The columns as texts, and the number of skipped rows."""
    bad: list[Any] = []

    def handle(row: Any) -> str:
        bad.append(row)
        return "skip" if bad_rows == "skip" else "error"

    names = list(dialect.names)
    if not text[dialect.start :].strip():
        return pa.table({each: pa.array([], pa.string()) for each in names}), 0
    quotes = text.count(b'"', dialect.start)
    try:
        source = pa.BufferReader(pa.py_buffer(text)[dialect.start :])
        table = pyarrow.csv.read_csv(source, **parser(dialect, handle, quoted=quotes > 0))
    except pa.ArrowInvalid as error:
        if bad and bad_rows == "error":
            raise ValueError(_ragged(text, name, dialect, bad[0])) from error
        if "straddling" in str(error) or "block" in str(error):
            raise ValueError(f"{name}: a quoted text has more than 16 MB: is a quote never closed?") from error
        raise ValueError(f"{name} cannot be read: {str(error).splitlines()[0]}") from error
    if quotes % 2:
        check_quotes(table, name, table.num_rows)
    return table, len(bad)


def parser(dialect: Dialect, handle: Callable[[Any], str], *, quoted: bool, block: int = BLOCK) -> dict[str, Any]:
    """Arguments of pyarrow's readers. handle: what happens to a row with another number of fields. quoted: whether
    texts may go on over lines. block: bytes that are read at once."""
    return {
        "read_options": pyarrow.csv.ReadOptions(
            column_names=list(dialect.names), use_threads=False, block_size=block
        ),
        "parse_options": pyarrow.csv.ParseOptions(
            delimiter=dialect.delimiter, newlines_in_values=quoted, invalid_row_handler=handle
        ),
        "convert_options": pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(dialect.names, pa.string()),
            null_values=list(EXACT_NULLS),
            strings_can_be_null=True,
        ),
    }


def _ragged(text: bytes, name: str, dialect: Dialect, row: Any) -> str:
    """What is wrong with a row of another number of fields."""
    expected, found = row.expected_columns, row.actual_columns
    place = f"row {row.number:,}"
    at = text.find(b"\n" + row.text.encode(), dialect.start - 1) if row.text else -1
    if at >= 0:
        line = text.count(b"\n", 0, at + 1) + 1
        place = f"line {line:,}"
    what = f"{name}, {place} has {found} field{'s'[: found > 1]}, but the header has {expected}"
    if found == expected + 1 and row.number == 1:
        return f"{what}: is a name missing in the header, or a delimiter at the end of the rows too much?"
    return f"{what}: correct it, or use data.bad_rows=skip (delimiter: {dialect.delimiter!r})"


def check_quotes(table: pa.Table, name: str, rows: int) -> None:
    """Raises ValueError if the last row holds a text that goes on over lines, in a file with an odd number of quotes:
    it was not closed. rows: up to the end of the table."""
    for column in table.column_names if table.num_rows else ():
        text = table.column(column)[-1].as_py()
        if text is not None and "\n" in text:
            raise ValueError(
                f"{name}, row {rows:,}: the quote at the start of '{shown(text)}' (column {column}) is never closed"
            )
    assert LONGEST_LINE < BLOCK
