"""Rows of a table as numbers, by the columns of a schema. N rows, D numbers per row."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from mlcli.loading.table.clean import clean, distinct, first_row, shown
from mlcli.loading.table.columns import Column, Encoded
from mlcli.loading.table.dates import date_values, parse_days
from mlcli.loading.table.numbers import parse_numbers
from mlcli.loading.table.texts import count_n_grams
from mlcli.loading.table.values import as_texts, is_numeric, simple

LISTED = 5  # names in a message


class Unreadable(ValueError):
    """A text that does not fit its column. row: its index."""

    def __init__(self, row: int, column: str, what: str) -> None:
        self.row, self.column, self.what = row, column, what
        super().__init__(self.message())

    def message(self, before: int = 0) -> str:
        """One line. before: rows of the file before the table."""
        return f"column {self.column}, row {self.row + before + 1:,}: {self.what}"


def encode(table: pa.Table, columns: Sequence[Column], before: int = 0) -> Encoded:
    """Encodes the columns by name; other columns of the table are ignored. before: rows of the file before this
    batch, for messages. Raises ValueError for columns that the table lacks, and for texts that are no number or date
    in a column of such."""
    wanted = [column for column in columns if column.features]
    found_columns = dict(zip(table.column_names, table.columns, strict=True))  # by name takes a search each
    absent = [column.name for column in wanted if column.name not in found_columns]
    if absent:
        more = f" and {len(absent) - LISTED} more" if len(absent) > LISTED else ""
        raise ValueError(f"the table lacks the column{'s'[: len(absent) > 1]} {', '.join(absent[:LISTED])}{more}")
    values = np.empty((table.num_rows, sum(len(column.features) for column in wanted)))
    missing: dict[str, int] = {}
    unseen: dict[str, dict[str, int]] = {}
    counted = []
    place = 0
    for column in wanted:
        width = len(column.features)
        if column.kind == "text":
            texts = clean(as_texts(simple(found_columns[column.name], column.name)))
            counted.append(count_n_grams(texts))
            values[:, place : place + width] = np.nan
            count = texts.null_count
        else:
            try:
                found = encode_column(found_columns[column.name], column, unseen)
            except Unreadable as error:
                raise ValueError(error.message(before)) from None
            values[:, place : place + width] = found.reshape(table.num_rows, width)
            count = int(_is_missing(found, column).sum()) - sum(unseen.get(column.name, {}).values())
        if count:
            missing[column.name] = count
        place += width
    return Encoded(torch.from_numpy(values), missing, unseen, tuple(counted))


def _is_missing(values: np.ndarray, column: Column) -> np.ndarray:
    if column.kind in ("category", "boolean"):
        return np.asarray(values == 0)
    return np.asarray(np.isnan(values if values.ndim == 1 else values[:, 0]))


def encode_column(texts: pa.ChunkedArray, column: Column, unseen: dict[str, dict[str, int]]) -> np.ndarray:
    """N or N × 6 numbers, of a column of any kind but texts. Levels that the column does not have are added to
    `unseen`."""
    texts = simple(texts, column.name)
    if column.kind == "number":
        return numbers(texts, column)
    if column.kind == "date":
        return np.asarray(date_values(days(texts, column)))
    return _codes(texts, column, unseen)


def numbers(values: pa.ChunkedArray, column: Column) -> np.ndarray:
    """N float64, NaN where missing or infinite. Raises ValueError for texts that are no numbers in the column's
    format, with the row."""
    found = exact_numbers(values, column)
    return np.asarray(np.where(np.isfinite(found), found, np.nan))


def exact_numbers(values: pa.ChunkedArray, column: Column) -> np.ndarray:
    """The same, with infinities."""
    if is_numeric(values.type):
        return _array(pc.cast(values, pa.float64(), safe=False))
    texts = as_texts(values)
    found, wrong = parse_numbers(texts, column.format)  # without a look at words for missing, which takes longer
    if pc.any(wrong).as_py():
        texts = clean(texts, weak=True)
        found, wrong = parse_numbers(texts, column.format)
        if (row := first_row(wrong)) >= 0:
            _refuse(texts, row, column, "number")
    return _array(found)


def days(values: pa.ChunkedArray, column: Column) -> np.ndarray:
    """N days since 1970-01-01, NaN where missing. Raises ValueError for texts that are no dates in the column's
    format, with the row."""
    texts = clean(as_texts(values), weak=True)
    unique, indices = distinct(texts)
    found = parse_days(unique, column.format)
    if np.isnan(found).any():
        wrong = pc.is_in(indices, value_set=pa.array(np.flatnonzero(np.isnan(found)), indices.type))
        _refuse(texts, first_row(wrong), column, "date")
    places = _array(pc.cast(pc.fill_null(indices, -1), pa.int64()))
    return np.asarray(np.append(found, np.nan)[places])


def _codes(values: pa.ChunkedArray, column: Column, unseen: dict[str, dict[str, int]]) -> np.ndarray:
    """N codes: i + 1 for levels[i], 0 for missing and other values."""
    boolean = column.kind == "boolean"
    texts = clean(as_texts(values), weak=boolean)
    levels = column.levels
    if boolean:
        texts, levels = pc.utf8_lower(texts), tuple(level.lower() for level in levels)
    codes = pc.fill_null(pc.add(pc.index_in(texts, value_set=pa.array(levels, pa.string())), 1), 0)
    found = _array(pc.cast(codes, pa.float64()))
    others = texts.filter(pc.and_(pc.equal(codes, 0), pc.is_valid(texts)))
    if len(others):
        counts = sorted(others.value_counts().to_pylist(), key=lambda each: (-each["counts"], each["values"]))
        unseen[column.name] = {each["values"]: each["counts"] for each in counts}
    return found


def _array(values: Any) -> np.ndarray:
    return np.asarray(values.to_numpy() if isinstance(values, pa.ChunkedArray) else values.to_numpy(False))


def _refuse(texts: pa.ChunkedArray, row: int, column: Column, kind: str) -> None:
    how = f" in its format ({column.format.replace('_', ' ')})" if column.format else ""
    advice = f"correct it, or train with data.types={{{column.name}: category}}"
    raise Unreadable(row, column.name, f"'{shown(texts[row])}' is no {kind}{how}: {advice}")
