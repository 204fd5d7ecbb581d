"""Formats of predictions: CSV, Parquet, JSON and JSON lines. Tables come in batches of rows, so that the memory does
not grow with the file."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from mlcli.config.errors import ConfigError, writing
from mlcli.files import write_atomic

if TYPE_CHECKING:
    import pandas as pd

Tables = Iterator["pd.DataFrame"]


def to_json(table: "pd.DataFrame") -> str:
    """The format of MLflow's scoring server. NaN becomes null."""
    return json.dumps({"predictions": _records(table)}, ensure_ascii=False, allow_nan=False) + "\n"


def csv_texts(tables: Tables) -> Iterator[str]:
    """UTF-8 text with commas and decimal points: the header with the first batch, then the rows of each."""
    for number, table in enumerate(tables):
        yield str(table.to_csv(index=False, header=not number))


def _write_csv(tables: Tables, file: BinaryIO) -> None:
    for text in csv_texts(tables):
        file.write(text.encode())


def _write_json(tables: Tables, file: BinaryIO) -> None:
    import pandas as pd

    file.write(to_json(pd.concat(list(tables), ignore_index=True)).encode())


def _write_json_lines(tables: Tables, file: BinaryIO) -> None:
    for table in tables:
        lines = (json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in _records(table))
        file.write("".join(lines).encode())


def _write_parquet(tables: Tables, file: BinaryIO) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    writer: Any = None
    for table in tables:
        made = pa.Table.from_pandas(table, preserve_index=False, schema=writer and writer.schema)
        writer = writer or pyarrow.parquet.ParquetWriter(file, made.schema)
        writer.write_table(made)
    writer.close()


def _records(table: "pd.DataFrame") -> list[dict[str, object]]:
    rows: list[dict[str, object]] = table.astype(object).where(table.notna(), None).to_dict(orient="records")
    return rows


Write = Callable[[Tables, BinaryIO], None]
FORMATS: dict[str, Write] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".json": _write_json,
    ".jsonl": _write_json_lines,
    ".ndjson": _write_json_lines,
}


def format_of(path: Path, as_json: bool) -> Write:
    """The format of a file, by its name; CSV for names without an ending. Raises ConfigError for other endings."""
    ending = path.suffix.lower()
    if as_json:
        if ending in FORMATS.keys() - {".json"}:
            raise ConfigError(f"--json and --output {path} contradict each other: leave one of them out")
        return _write_json
    if ending and ending not in FORMATS and not path.exists():
        raise ConfigError(f"--output {path}: predictions are written as {', '.join(FORMATS)}")
    return FORMATS.get(ending, _write_csv)


def write_tables(tables: Tables, path: Path, as_json: bool = False) -> None:
    """Writes predictions in the format of the file's name, or as JSON, whole or not at all. Raises ConfigError."""
    write = format_of(path, as_json)

    def save(target: Path) -> None:
        with target.open("wb") as file:
            write(tables, file)

    with writing(path):
        if path.exists() and not path.is_file():  # such as /dev/stdout
            save(path)
        else:
            write_atomic(path, save)
