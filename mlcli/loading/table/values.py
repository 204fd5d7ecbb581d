"""Columns of files that have types, as texts, numbers or booleans."""

import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

LARGEST = 2**63
UNREADABLE = pa.list_(pa.null())  # stands for values that no column can have
NUMBERS = {int, float, Decimal}
PLAIN = {*NUMBERS, str, bool, datetime.datetime, datetime.date, datetime.time, UUID}


def simple(values: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """The column as texts, numbers or booleans; dates become texts in the order of ISO, in UTC. Raises ValueError for
    nested and binary values."""
    kind = values.type
    if pa.types.is_string(kind) or is_numeric(kind):
        return values
    if pa.types.is_dictionary(kind):
        return simple(pc.cast(values, kind.value_type), name)
    if pa.types.is_timestamp(kind):
        return pc.cast(pc.cast(values, pa.timestamp("us"), safe=False), pa.string())
    if pa.types.is_duration(kind):
        return pc.divide(pc.cast(pc.cast(values, pa.duration("us"), safe=False), pa.int64()), 1e6)
    if _is_text(kind) or pa.types.is_date(kind) or pa.types.is_time(kind) or pa.types.is_null(kind):
        return pc.cast(values, pa.string())
    what = "nested values" if pa.types.is_nested(kind) else f"values of type {kind}"
    raise ValueError(
        f"column {name} holds {what}: leave it out with data.ignore=[{name}], or write their parts as columns"
    )


def is_numeric(kind: Any) -> bool:
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return bool(numeric or pa.types.is_boolean(kind))


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def as_texts(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values as texts: 1.0 and 1 are `1`."""
    values = simple(values, "")
    return values if pa.types.is_string(values.type) else pc.cast(values, pa.string())


def column_of(values: Sequence[Any]) -> pa.Array:
    """Values of Python as a column: numbers and booleans where all are such, else texts."""
    kinds = {type(value) for value in values} - {type(None)}
    if kinds - PLAIN:
        return pa.nulls(len(values), UNREADABLE)
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds and kinds <= NUMBERS:
        if kinds == {int} and all(value is None or -LARGEST <= value < LARGEST for value in values):
            return pa.array(values, pa.int64())
        if float in kinds or Decimal in kinds:
            return pa.array([None if value is None else float(value) for value in values], pa.float64())
    return pa.array([_text(value) for value in values], pa.string())


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)
