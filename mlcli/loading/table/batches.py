"""Tables in batches of rows, for predictions with flat memory: the same texts and values as of a table that is read
as a whole."""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from mlcli.loading.table.bytes import LONGEST_LINE, as_utf8, find_encoding, find_files
from mlcli.loading.table.dialect import find_dialect
from mlcli.loading.table.files import format_of, read_files
from mlcli.loading.table.read import ReadOptions, check_quotes, parser
from mlcli.loading.table.typed_files import json_table, without_index

STDIN = "-"
ROWS = 65_536  # of a batch, at most
BLOCK = 8 << 20  # bytes that are parsed at once, several times as many in memory; more than a row may have
HEAD = 1 << 20  # bytes that encoding, delimiter and header are found in


def read_batches(file: str, options: ReadOptions | None = None, stdin: BinaryIO | None = None) -> Iterator[pa.Table]:
    """The rows of a file, read as its name says, or of CSV on `stdin` for `-`. Raises ValueError in one line, also
    after the first batches."""
    options = options or ReadOptions()
    if file == STDIN:
        assert stdin is not None
        yield from _text_batches(stdin, "stdin", options)
        return
    for path in find_files(file):
        format = format_of(path)
        if format == "parquet":
            yield from _parquet_batches(path)
        elif format == "arrow":
            yield read_files(format, str(path)).columns
        else:
            try:
                with path.open("rb") as opened:
                    of_text = _json_batches if format == "jsonl" else _text_batches
                    yield from of_text(opened, str(path), options)
            except OSError as error:
                raise ValueError(f"{path} cannot be read: {error.strerror or error}") from error
            except (EOFError, zlib.error) as error:
                raise ValueError(f"{path} is damaged: its gzip data ends too early or is wrong") from error


def _parquet_batches(file: Path) -> Iterator[pa.Table]:
    try:
        for batch in pyarrow.parquet.ParquetFile(file).iter_batches(ROWS):
            yield without_index(pa.table(batch), str(file))
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{file} cannot be read as Parquet: {str(error).splitlines()[0]}") from error


def _json_batches(opened: BinaryIO, name: str, options: ReadOptions) -> Iterator[pa.Table]:
    """Columns may have other types in each batch: a schema reads them all the same."""
    source = _Utf8(opened, name, options.encoding)
    stream = io.BufferedReader(source, HEAD)
    first = 1
    while lines := list(islice(iter(lambda: stream.readline(LONGEST_LINE + 1), b""), ROWS)):
        if any(len(line) > LONGEST_LINE for line in lines):
            raise ValueError(f"{name} has a line of more than 16 MB")
        table, _ = json_table(lines, name, options, first)
        if table.num_rows:
            yield table
        first += len(lines)


def _text_batches(opened: BinaryIO, name: str, options: ReadOptions) -> Iterator[pa.Table]:
    source = _Utf8(opened, name, options.encoding)
    dialect = find_dialect(source.head, name, options.delimiter)
    source.skip(dialect.start)
    bad: list[Any] = []

    def handle(row: Any) -> str:
        bad.append(row)
        return "skip" if options.bad_rows == "skip" else "error"

    rows = 0
    last: pa.Table | None = None
    try:
        stream = io.BufferedReader(source, HEAD)
        for batch in pyarrow.csv.open_csv(stream, **parser(dialect, handle, quoted=True, block=BLOCK)):
            if batch.num_rows:
                last = pa.table(batch)
                rows += last.num_rows
                for start in range(0, last.num_rows, ROWS):
                    yield last.slice(start, ROWS)
    except pa.ArrowInvalid as error:
        if bad and options.bad_rows == "error":
            found, expected = bad[-1].actual_columns, bad[-1].expected_columns
            raise ValueError(
                f"{name}, row {bad[-1].number:,} has {found} field{'s'[: found > 1]}, but the header has {expected}: "
                f"correct it, or use data.bad_rows=skip (delimiter: {dialect.delimiter!r})"
            ) from error
        if "straddling" in str(error) or "block" in str(error):
            raise ValueError(f"{name} has a row of more than {BLOCK >> 20} MB: is a quote never closed?") from error
        if "Empty" not in str(error):
            raise ValueError(f"{name} cannot be read: {str(error).splitlines()[0]}") from error
    if last is None:
        raise ValueError(f"{name} has a header but no rows")
    if source.quotes % 2:
        check_quotes(last, name, rows)


class _Utf8(io.RawIOBase):
    """A stream of text as UTF-8. head: its first lines. quotes: how many were read."""

    def __init__(self, opened: BinaryIO, name: str, encoding: str) -> None:
        self.name = name
        self.quotes = 0
        packed = opened.read(HEAD)
        if packed.startswith(b"\x1f\x8b"):
            self._opened: Any = gzip.GzipFile(fileobj=_Chain(packed, opened))
            raw = self._opened.read(HEAD)
        else:
            self._opened, raw = opened, packed
        end = raw.rfind(b"\n") + 1 if len(raw) == HEAD else 0
        sample = raw[: end + (end % 2 if b"\x00" in raw[:100] else 0)] if end else raw  # UTF-16 has pairs of bytes
        as_utf8(sample, name, encoding)  # refuses what is no text
        self.encoding = find_encoding(sample, name, encoding)
        decoder = codecs.getincrementaldecoder(self.encoding)()
        self._decoder = io.IncrementalNewlineDecoder(decoder, translate=True)
        self._ready = self._as_utf8(raw).removeprefix(codecs.BOM_UTF8)
        self.head = self._ready[: self._ready.rfind(b"\n") + 1] or self._ready

    def skip(self, count: int) -> None:
        """Drops the first `count` bytes of the head."""
        self._ready = self._ready[count:]
        self.quotes = self._ready.count(b'"')

    def _as_utf8(self, raw: bytes) -> bytes:
        try:
            return str(self._decoder.decode(raw, final=not raw)).encode()
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{self.name} is not text in {self.encoding} after its first lines: use data.encoding=cp1252"
            ) from error

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            raw = self._opened.read(HEAD)
            self._ready = self._as_utf8(raw)
            self.quotes += self._ready.count(b'"')
            if not raw and not self._ready:
                return 0
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count


class _Chain(io.RawIOBase):
    """Bytes that were read already, and the rest of their stream."""

    def __init__(self, start: bytes, rest: BinaryIO) -> None:
        self._start, self._rest = start, rest

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        if not self._start:
            return self._rest.read(-1 if size is None else size)
        count = len(self._start) if size is None or size < 0 else size
        found, self._start = self._start[:count], self._start[count:]
        return found
