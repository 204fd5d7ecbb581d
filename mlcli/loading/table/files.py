"""Formats of files with tables, and how each is read."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from mlcli.loading.table.bytes import Paths
from mlcli.loading.table.read import ReadOptions, TextTable, read_table
from mlcli.loading.table.typed_files import read_arrow, read_json_lines, read_parquet

Format = Literal["csv", "parquet", "arrow", "jsonl"]

READERS: dict[Format, Callable[[Paths, ReadOptions], TextTable]] = {
    "csv": read_table,
    "parquet": read_parquet,
    "arrow": read_arrow,
    "jsonl": read_json_lines,
}
ENDINGS: dict[str, Format] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}  # all others are text


def format_of(file: str | Path) -> Format:
    """The format of a file, by the ending of its name without that of gzip."""
    return ENDINGS.get(Path(str(file).removesuffix(".gz")).suffix.lower(), "csv")


def read_files(format: Format, path: Paths, options: ReadOptions | None = None) -> TextTable:
    """Reads a file, a glob or several files. Raises ValueError in one line."""
    return READERS[format](path, options or ReadOptions())
