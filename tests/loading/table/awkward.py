"""How the tests look at a table that was read: the kind and the values of each column."""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mlcli.loading.table.read import ReadOptions, TextTable, read_table
from mlcli.loading.table.schema import Column, Schema
from mlcli.loading.table.types import Rules, type_columns


def write(folder: Path, content: bytes | str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def look(table: TextTable, rules: Rules | None = None) -> tuple[dict[str, tuple[str, list[Any]]], tuple[str, ...]]:
    """Kind and values by column, and the notes. Values: numbers, levels or ISO dates, None where missing; texts of
    text columns; nothing of ignored ones."""
    typed = type_columns(table.columns, rules or Rules({}))
    found = {}
    for column in typed.columns:
        texts = table.columns.column(column.name)
        if column.kind in ("text", "ignored"):
            values = texts.to_pylist() if column.kind == "text" else []
        else:
            values = [_value(column, row) for row in Schema((column,)).encode(table.columns).values.tolist()]
        found[column.name] = (column.kind, values)
    return found, (*table.notes, *typed.notes)


def _value(column: Column, row: list[float]) -> Any:
    first = row[-1]
    if math.isnan(first) or (column.levels and first == 0):
        return None
    if column.kind == "date":
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=first)
        return moment.replace(tzinfo=None).isoformat(" ", "minutes").removesuffix(" 00:00")
    return column.levels[int(first) - 1] if column.levels else first


def looked(path: Any, rules: Rules | None = None, **options: Any) -> dict[str, tuple[str, list[Any]]]:
    return look(read_table(str(path), ReadOptions(**options)), rules)[0]
