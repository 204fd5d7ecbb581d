"""What looks wrong in a table: columns that say nothing, name rows or give the target away, and repeated rows.

Whether a column gives the target away is measured: half of at most 5,000 rows are predicted by the column alone, as
the mean (or most frequent class) of the rows of the other half with the same value, or with the 3 nearest values
where there are more than 64 different ones.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlcli.loading.table.clean import clean, distinct
from mlcli.loading.table.columns import ID, Column
from mlcli.loading.table.encode import encode_column
from mlcli.loading.table.read import TextTable
from mlcli.loading.table.values import as_texts

SAMPLE = 5000  # rows
FEWEST = 40  # rows for which a prediction says something
FEW = 64  # different values
NEIGHBOURS = 3
GIVES_AWAY = 0.05  # of the errors (or of the variance) that are left, at most
COPY = 0.9999  # correlation, of values or of ranks
NAMED_ID = re.compile(r"(?i)(?:^|[_ .-])(?:id|uuid|guid|key)$|^(?:row|line)[_ ]?(?:number|no|nr)?$|[a-z]I[dD]$")


@dataclass(frozen=True)
class Suspicion:
    """columns: those that it is about. message: one line."""

    kind: Literal["constant", "id", "gives_away", "copy", "duplicates", "rare_class"]
    columns: tuple[str, ...]
    message: str


def suspicions(
    table: pa.Table,
    inputs: Sequence[Column],
    possible_ids: Sequence[Column],
    target: Column | None,
    labels: np.ndarray | None,
    balance: Sequence[tuple[str, int]],
    parts: Mapping[str, TextTable],
) -> tuple[Suspicion, ...]:
    """labels: N classes or numbers of the target, NaN where missing. balance: rows by class; empty for numbers.
    parts: tables of official splits."""
    found = dict(zip(table.column_names, table.columns, strict=True))
    warnings = []
    for column in possible_ids:
        if (warning := _of_one(column, found[column.name])) is not None:
            warnings.append(warning)
    if target is not None and labels is not None:
        rows = _sample(labels)
        for column in (each for each in inputs if each.kind != "text"):
            values = encode_column(found[column.name].take(pa.array(rows)), column, {})
            values = values if values.ndim == 1 else values[:, -1]
            warning = _of_target(column, values, target.name, labels[rows], bool(balance))
            warnings += [warning] if warning is not None else []
    warnings += _rare(target, balance)
    warnings += _repeated(table, [*inputs, *([target] if target is not None else [])], parts)
    return tuple(warnings)


def _of_one(column: Column, values: pa.ChunkedArray) -> Suspicion | None:
    """What a column shows without the target."""
    name, rows = (column.name,), len(values)
    if column.format == ID:
        return Suspicion("id", name, f"{column.name}: {column.reason}")
    if column.kind == "text":
        texts = clean(as_texts(values))
        is_constant = not texts.null_count and len(texts.unique()) == 1
        return Suspicion("constant", name, f"{column.name} has one value in all rows") if is_constant else None
    codes = encode_column(values, column, {})
    codes = codes if codes.ndim == 1 else codes[:, -1]
    missing = codes == 0 if column.levels else np.isnan(codes)
    unique = np.unique(codes[~missing])
    if len(unique) == 1 and not missing.any():
        return Suspicion("constant", name, f"{column.name} has one value in all rows")
    if rows < FEWEST or missing.any() or column.kind == "date":
        return None
    named = bool(NAMED_ID.search(column.name)) and len(unique) > 0.9 * rows
    whole = column.kind == "number" and len(unique) == rows and bool((codes == np.floor(codes)).all())
    ordered = whole and bool((np.diff(codes) > 0).all() or unique[-1] - unique[0] < 2 * rows)
    if named or ordered:
        return Suspicion("id", name, f"{column.name} has another value in almost every row, as an id has")
    return None


def _sample(labels: np.ndarray) -> np.ndarray:
    """Rows that have a target, at most SAMPLE, in random order."""
    rows = np.flatnonzero(np.isfinite(labels))
    return np.random.default_rng(0).permutation(rows)[:SAMPLE]


def _of_target(
    column: Column, values: np.ndarray, target: str, labels: np.ndarray, is_class: bool
) -> Suspicion | None:
    """Whether a column tells the target. values, labels: of the sampled rows."""
    if len(labels) < FEWEST or (labels == labels[0]).all():
        return None
    name = (column.name,)
    if _is_copy(values, labels, is_class, bool(column.levels)):
        return Suspicion("copy", name, f"{column.name} is a copy of {target}, in other units or words")
    if len(np.unique(values[~np.isnan(values)])) < 2:
        return None
    left = _left(values, labels, is_class, bool(column.levels))
    if left > GIVES_AWAY:
        return None
    what = "errors" if is_class else "variance"
    share = f"{1 - left:.1%} of the {what} on held-out rows"
    return Suspicion("gives_away", name, f"{column.name} alone explains {share}: is it known before {target} is?")


def _is_copy(values: np.ndarray, labels: np.ndarray, is_class: bool, has_levels: bool) -> bool:
    """Classes: each value has one class and each class one value. Numbers: a correlation of values or ranks of 1."""
    known = np.isfinite(values) & ((values != 0) if has_levels else True)
    if known.mean() < 0.9 or len(np.unique(values[known])) < 2:
        return False
    values, labels = values[known], labels[known]
    if is_class:
        pairs = len(np.unique(np.stack([values, labels], 1), axis=0))
        return bool(pairs == len(np.unique(values)) == len(np.unique(labels)))
    if has_levels or len(np.unique(labels)) < 3:
        return False
    ranks = [_ranks(values), _ranks(labels)]
    return any(abs(np.corrcoef(a, b)[0, 1]) > COPY for a, b in ((values, labels), ranks))


def _ranks(values: np.ndarray) -> np.ndarray:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[places])


def _left(values: np.ndarray, labels: np.ndarray, is_class: bool, has_levels: bool) -> float:
    """The share of errors, or of variance, that is left on the second half if the first half predicts it by
    `values`."""
    half = len(labels) // 2
    levels, places = np.unique(np.where(np.isnan(values), np.nanmin(values) - 1, values), return_inverse=True)
    if has_levels or len(levels) <= FEW:
        groups, members, wanted, count = places[:half], np.arange(half), places[half:], len(levels)
    else:
        count = len(labels) - half
        groups, members, wanted = np.arange(count).repeat(NEIGHBOURS), _nearest(places, half), np.arange(count)
    if is_class:
        _, codes = np.unique(labels, return_inverse=True)
        table = np.zeros((count, codes.max() + 1), dtype=int)
        np.add.at(table, (groups, codes[members]), 1)
        usual = np.bincount(codes[:half]).argmax()
        guess = np.where(table.any(1), table.argmax(1), usual)
        errors = (codes[half:] != usual).sum()
        return float((guess[wanted] != codes[half:]).sum() / errors) if errors else 1.0
    mean = labels[:half].mean()
    seen = np.bincount(groups, minlength=count)
    sums = np.bincount(groups, weights=labels[members], minlength=count)
    guess = np.where(seen > 0, sums / np.maximum(seen, 1), mean)
    variance = ((labels[half:] - mean) ** 2).sum()
    return float(((labels[half:] - guess[wanted]) ** 2).sum() / variance) if variance else 1.0


def _nearest(places: np.ndarray, half: int) -> np.ndarray:
    """For each row of the second half, the NEIGHBOURS rows of the first half next to it in order."""
    order = np.argsort(places[:half], kind="stable")
    start = np.searchsorted(places[order], places[half:]) - NEIGHBOURS // 2 - 1
    return np.asarray(order[np.clip(start[:, None] + np.arange(NEIGHBOURS), 0, half - 1)].ravel())


def _rare(target: Column | None, balance: Sequence[tuple[str, int]]) -> list[Suspicion]:
    rare = [name for name, rows in balance if rows == 1]
    if target is None or not rare:
        return []
    listed = ", ".join(rare[:5]) + (f" and {len(rare) - 5} more" if len(rare) > 5 else "")
    message = f"classes of one row: {listed}; use data.rare_classes=drop, or merge"
    return [Suspicion("rare_class", (target.name,), message)]


def _repeated(table: pa.Table, columns: Sequence[Column], parts: Mapping[str, TextTable]) -> list[Suspicion]:
    """Rows that repeat another, and rows of official splits that are also in the table."""
    if not columns:
        return []
    own = _hashes(table, columns)
    repeated = len(own) - len(np.unique(own))
    warnings = []
    if repeated:
        message = f"{repeated:,} of {len(own):,} rows repeat another row: copies may be in training and test split"
        warnings.append(Suspicion("duplicates", (), message))
    for part, further in parts.items():
        if all(column.name in further.columns.column_names for column in columns):
            both = int(np.isin(_hashes(further.columns, columns), own).sum())
            if both:
                message = f"{both:,} of {len(further):,} rows of data.{part}_path are also in the training table"
                warnings.append(Suspicion("duplicates", (), message))
    return warnings


def _hashes(table: pa.Table, columns: Sequence[Column]) -> np.ndarray:
    """N hashes of the texts of a row, 64 bits."""
    found = dict(zip(table.column_names, table.columns, strict=True))
    total = np.zeros(table.num_rows, dtype=np.uint64)
    for column in columns:
        unique, indices = distinct(pc.utf8_trim_whitespace(pc.fill_null(as_texts(found[column.name]), "")))
        own = np.asarray([hash(text) & (2**64 - 1) for text in unique.to_pylist()], dtype=np.uint64)
        total = total * np.uint64(0x9E3779B97F4A7C15) + own[indices.to_numpy()]
    return total
