"""Formats of predictions: CSV, Parquet, JSON and JSON lines."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mlcli.config.errors import ConfigError, writing
from mlcli.files import write_atomic

if TYPE_CHECKING:
    import pandas as pd


def to_json(table: "pd.DataFrame") -> str:
    """The format of MLflow's scoring server. NaN becomes null."""
    return json.dumps({"predictions": _records(table)}, ensure_ascii=False, allow_nan=False) + "\n"


def to_csv(table: "pd.DataFrame") -> str:
    """UTF-8 text with commas and decimal points."""
    return str(table.to_csv(index=False))


def _to_json_lines(table: "pd.DataFrame") -> str:
    return "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in _records(table))


def _to_parquet(table: "pd.DataFrame") -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _records(table: "pd.DataFrame") -> list[dict[str, object]]:
    rows: list[dict[str, object]] = table.astype(object).where(table.notna(), None).to_dict(orient="records")
    return rows


FORMATS: "dict[str, Callable[[pd.DataFrame], str | bytes]]" = {
    ".csv": to_csv,
    ".parquet": _to_parquet,
    ".json": to_json,
    ".jsonl": _to_json_lines,
    ".ndjson": _to_json_lines,
}


def format_of(path: Path) -> "Callable[[pd.DataFrame], str | bytes]":
    """The writer for a file, by its name; CSV for names without an ending. Raises ConfigError for other endings."""
    ending = path.suffix.lower()
    if ending and ending not in FORMATS and not path.exists():
        raise ConfigError(f"--output {path}: predictions are written as {', '.join(FORMATS)}")
    return FORMATS.get(ending, to_csv)


def write_table(table: "pd.DataFrame", path: Path, as_json: bool = False) -> None:
    """Writes predictions in the format of the file's name, or JSON, whole or not at all. Raises ConfigError."""
    if as_json and path.suffix.lower() in FORMATS.keys() - {".json"}:
        raise ConfigError(f"--json and --output {path} contradict each other: leave one of them out")
    content = to_json(table) if as_json else format_of(path)(table)
    data = content.encode() if isinstance(content, str) else content
    with writing(path):
        if path.exists() and not path.is_file():  # such as /dev/stdout
            path.write_bytes(data)
        else:
            write_atomic(path, data)
