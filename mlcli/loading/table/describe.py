"""What a table holds, as plain data: kinds, missing values, ranges, balance, and what looks wrong. N rows."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from mlcli.loading.table.clean import clean
from mlcli.loading.table.columns import Column
from mlcli.loading.table.encode import days, exact_numbers
from mlcli.loading.table.examples import Settings, type_with
from mlcli.loading.table.read import TextTable
from mlcli.loading.table.target import read_targets, task_of
from mlcli.loading.table.values import as_texts
from mlcli.loading.table.warn import Suspicion, suspicions

FREQUENT = 5  # levels of a column that are listed


@dataclass(frozen=True)
class ColumnDescription:
    """role: input, target, weight, group, split, or left out. distinct: different values, without missing ones.
    range: smallest, median and largest number, or date (ISO). frequent: the most frequent texts with their rows."""

    name: str
    role: str
    kind: str
    reason: str
    missing: int
    distinct: int
    range: tuple[float | str, float | str, float | str] | None = None
    frequent: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class TableDescription:
    """task: what task=auto becomes; None without a target. balance: rows by class, the most frequent first.
    notes: what the reader guessed. warnings: what looks wrong."""

    rows: int
    files: tuple[str, ...]
    columns: tuple[ColumnDescription, ...]
    target: str | None
    task: str | None
    balance: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]
    warnings: tuple[Suspicion, ...]

    def to_json(self) -> dict[str, Any]:
        """As values of JSON."""
        plain: dict[str, Any] = _listed(asdict(self))
        return plain


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _listed(each) for key, each in value.items()}
    return [_listed(each) for each in value] if isinstance(value, list | tuple) else value


def describe(
    table: TextTable, settings: Settings | None = None, parts: Mapping[str, TextTable] | None = None
) -> TableDescription:
    """settings: as for `make_examples`; the target is optional. parts: tables of official splits, "val" and "test".
    Raises ValueError for settings that name no column, and for ambiguous dates."""
    settings = settings or Settings()
    target, typed = type_with(table, settings)
    roles = {settings.weight: "weight", settings.group: "group", settings.split_column: "split", target: "target"}
    found = dict(zip(table.columns.column_names, table.columns.columns, strict=True))
    described = tuple(
        _describe(column, found[column.name], roles.get(column.name) or _role(column)) for column in typed.columns
    )
    inputs = tuple(column for column in typed.columns if column.name not in roles and column.features)
    own = next((column for column in typed.columns if column.name == target), None)
    labels, task = None, None
    balance: tuple[tuple[str, int], ...] = ()
    if own is not None:
        task = task_of(own) if settings.as_classes is None else _task(settings.as_classes)
        targets = read_targets(own, found[own.name], settings.as_classes)
        labels = targets.values.astype(float)
        labels[targets.missing] = np.nan
        if targets.classes:
            balance = _balance(targets.values, targets.classes)
    ids = tuple(column for column in typed.columns if column.name not in roles and column.kind != "ignored")
    warnings = suspicions(table.columns, inputs, ids, own, labels, balance, parts or {})
    files = tuple(map(str, table.files))
    notes = (*table.notes, *typed.notes)
    return TableDescription(len(table), files, described, target, task, balance, notes, warnings)


def _task(as_classes: bool) -> str:
    return "classification" if as_classes else "regression"


def _role(column: Column) -> str:
    return "input" if column.features else "left out"


def _balance(values: np.ndarray, classes: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    counts = np.bincount(values[values >= 0], minlength=len(classes))
    return tuple((classes[place], int(counts[place])) for place in np.argsort(-counts, kind="stable"))


def _describe(column: Column, values: pa.ChunkedArray, role: str) -> ColumnDescription:
    rows = len(values)
    start = ColumnDescription(column.name, role, column.kind, column.reason, rows, 0)
    if column.kind == "number":
        numbers = exact_numbers(values, column)
        finite = numbers[np.isfinite(numbers)]
        quantiles = tuple(float(each) for each in np.quantile(finite, (0, 0.5, 1), method="nearest"))
        return replace(start, missing=rows - len(finite), distinct=len(np.unique(finite)), range=_three(quantiles))
    if column.kind == "date":
        known = days(values, column)
        known = known[~np.isnan(known)]
        dates = np.floor(np.quantile(known, (0, 0.5, 1), method="nearest")).astype("int64").astype("datetime64[D]")
        three = _three(tuple(map(str, dates)))
        return replace(start, missing=rows - len(known), distinct=len(np.unique(known)), range=three)
    if column.kind == "ignored" and pa.types.is_nested(values.type):
        return replace(start, missing=values.null_count)
    texts = clean(as_texts(values), weak=column.kind == "boolean")
    counts = [each for each in texts.value_counts().to_pylist() if each["values"] is not None]
    counts.sort(key=lambda each: (-each["counts"], each["values"]))
    frequent = tuple((each["values"], each["counts"]) for each in counts[:FREQUENT])
    return replace(start, missing=texts.null_count, distinct=len(counts), frequent=frequent)


def _three(values: tuple[Any, ...]) -> tuple[Any, Any, Any]:
    smallest, median, largest = values
    return smallest, median, largest
