"""Ways to write one table."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet


def write_parquet(table: pa.Table, path: Path) -> str:
    pyarrow.parquet.write_table(table, path)
    return str(path)


def write_arrow(table: pa.Table, path: Path) -> str:
    with pa.ipc.new_file(path, table.schema) as file:
        file.write_table(table)
    return str(path)


def write_stream(table: pa.Table, path: Path) -> str:
    with pa.ipc.new_stream(path, table.schema) as file:
        file.write_table(table)
    return str(path)


def write_feather(table: pa.Table, path: Path) -> str:
    pyarrow.feather.write_feather(table, str(path))
    return str(path)


def write_json_lines(table: pa.Table, path: Path) -> str:
    path.write_text("".join(json.dumps(row, default=str) + "\n" for row in table.to_pylist()))
    return str(path)
