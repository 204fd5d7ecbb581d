"""Examples from tables: the schema of the training rows, encoded inputs, targets, weights and groups."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from mlcli.loading.dataset import Examples
from mlcli.loading.table.bytes import Paths, stem
from mlcli.loading.table.clean import clean, distinct, shown
from mlcli.loading.table.columns import KINDS, Column
from mlcli.loading.table.encode import days, exact_numbers
from mlcli.loading.table.read import TextTable, join
from mlcli.loading.table.schema import Schema
from mlcli.loading.table.target import Targets, classes_of, find_column, find_target, read_targets, treat_rare
from mlcli.loading.table.types import Rules, Typed, type_column, type_columns
from mlcli.loading.table.values import as_texts, is_numeric

PARTS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val"}
PARTS |= {"test": "test"}
SAMPLE = 3  # rows
WORDS = ("auto", ".", ",", "point", "comma")


@dataclass(frozen=True)
class Settings:
    """Of a table in a config; see `conf/data/csv.yaml`."""

    target: str | Sequence[str] | None = None
    types: Mapping[str, str] | None = None
    ignore: Sequence[str] = ()
    weight: str | None = None
    decimal: str = "auto"
    dates: str = "auto"
    rare_classes: str = "error"
    group: str | None = None
    time: str | None = None
    split_column: str | None = None
    as_classes: bool | None = None
    schema: Schema | None = None


def typed_table(table: TextTable, settings: Settings) -> tuple[str, Typed]:
    """The target's name and all columns, the target's with its classes as levels. Raises ValueError for settings that
    name no column, and without a target."""
    target = find_target(table.columns.column_names, settings.target)
    _, typed = type_with(table, replace(settings, target=target))
    return target, typed


def type_with(table: TextTable, settings: Settings) -> tuple[str | None, Typed]:
    """The same, for which a target is optional."""
    names = table.columns.column_names
    target = find_target(names, settings.target) if settings.target else None
    types = {find_column(names, name, "data.types"): kind for name, kind in (settings.types or {}).items()}
    for name, kind in types.items():
        if kind not in KINDS:
            raise ValueError(f"data.types: {name}: {kind} is no kind of column: use one of {', '.join(KINDS)}")
    ignore = [find_column(names, name, "data.ignore") for name in settings.ignore]
    if target in ignore:
        raise ValueError(f"data.ignore names the target {target}: take it out, or use another data.target")
    if settings.decimal not in WORDS:
        raise ValueError(f"data.decimal={settings.decimal}: must be one of {', '.join(WORDS)}")
    decimal = {"point": ".", "comma": ","}.get(settings.decimal, settings.decimal)
    typed = type_columns(table.columns, Rules(types, ignore, settings.dates, decimal))
    columns = list(typed.columns)
    if target is None:
        return None, typed
    place = names.index(target)
    columns[place] = classes_of(columns[place], table.columns.column(target))
    return target, replace(typed, columns=tuple(columns))


def examples_of_files(
    read: Callable[[Paths], TextTable], path: Paths, val_path: Paths, test_path: Paths, settings: Settings
) -> Examples:
    """Examples of the files at path, with the official splits at val_path and test_path. Raises ValueError in one
    line."""
    table = read(path)
    parts = {part: read(own) for part, own in (("val", val_path), ("test", test_path)) if own}
    source = path if isinstance(path, str) else ", ".join(map(str, table.files))
    return make_examples(table, settings, name=stem(table.files[0]), source=source, parts=parts)


def make_examples(
    table: TextTable, settings: Settings, *, name: str, source: str, parts: Mapping[str, TextTable] | None = None
) -> Examples:
    """Examples of a table and of those of official splits ("val", "test"), all encoded by the schema of the first.
    Raises ValueError in one line."""
    notes = [*table.notes]
    schema, decimal = settings.schema, "."
    if schema is None:
        target_name, typed = typed_table(table, settings)
        notes, decimal = [*notes, *typed.notes], typed.decimal
        schema = _schema(typed, target_name, _no_inputs(table, settings), notes)
    elif settings.time or settings.weight:
        decimal = type_with(table, settings)[1].decimal
    assert schema.target is not None
    target_name = find_column(table.columns.column_names, schema.target.name, "data.target")
    tables, places = [table], {}
    for part, further in (parts or {}).items():
        _check_columns(further, schema, target_name, part)
        places[part] = (sum(map(len, tables)), len(further))
        tables.append(further)
    rows = _rows(tables, schema, target_name, settings)
    targets = read_targets(schema.target, rows.column(target_name), settings.as_classes)
    indices = _parts(rows, settings, places)
    keep = ~targets.missing
    if not keep.all():
        notes.append(f"{int((~keep).sum()):,} of {len(keep):,} rows have no {target_name} and are left out")
    if targets.classes and settings.schema is None:
        targets, not_rare, note = treat_rare(targets, settings.rare_classes, target_name)
        keep &= not_rare
        notes += [note] if note else []
    if settings.schema is None:
        _check_targets(targets, keep, target_name)
    order = _order(rows, settings, keep, decimal)
    encoded = schema.encode(rows)
    in_order = settings.time is None and len(order) == rows.num_rows  # then counts of texts need no copy
    split = {part: _where(mask, order) for part, mask in indices.items()}
    return Examples(
        name=name,
        kind="table",
        inputs=encoded.values[order],
        targets=_tensor(targets, order),
        classes=targets.classes,
        features=schema.features,
        target=target_name,
        source=source,
        val=split.get("val"),
        test=split.get("test"),
        schema=replace(schema, target=replace(schema.target, levels=targets.classes)),
        texts=encoded.texts if in_order else tuple(own[order] for own in encoded.texts),
        weights=_weights(rows, settings, order, decimal),
        groups=_groups(rows, settings, order),
        notes=tuple(notes),
        sample=_sample(rows, schema, order),
    )


def _sample(rows: pa.Table, schema: Schema, order: np.ndarray) -> dict[str, list[Any]]:
    """The inputs of the first examples, as texts where the source has no numbers."""
    first = rows.select([column.name for column in schema.columns]).take(pa.array(order[:SAMPLE]))
    named = zip(first.column_names, first.columns, strict=True)
    return {name: (own if is_numeric(own.type) else as_texts(own)).to_pylist() for name, own in named}


def _no_inputs(table: TextTable, settings: Settings) -> set[str]:
    """Columns that say how rows are used: they are no inputs."""
    names = table.columns.column_names
    given = {"weight": settings.weight, "group": settings.group, "split_column": settings.split_column}
    found = {find_column(names, name, f"data.{key}") for key, name in given.items() if name is not None}
    if settings.time is not None:
        find_column(names, settings.time, "data.time")
    return found


def _schema(typed: Typed, target: str, no_inputs: set[str], notes: list[str]) -> Schema:
    inputs: list[Column] = []
    left_out = []
    for column in typed.columns:
        if column.name == target or column.name in no_inputs or column.kind == "ignored":
            continue
        if column.features:
            inputs.append(column)
        else:
            left_out.append(f"column {column.name} ({column.reason}) is left out")
    notes += left_out[:3]
    if len(left_out) > 3:
        notes.append(f"{len(left_out) - 3} more columns of ids are left out")
    if not inputs:
        raise ValueError(f"no column is left as an input besides data.target={target}: is data.delimiter right?")
    return Schema(tuple(inputs), next(column for column in typed.columns if column.name == target))


def _check_columns(table: TextTable, schema: Schema, target: str, part: str) -> None:
    wanted = [*(column.name for column in schema.columns), target]
    lacking = [name for name in wanted if name not in table.columns.column_names]
    if lacking:
        raise ValueError(f"data.{part}_path: {table.files[0]} lacks the column {lacking[0]}")


def _rows(tables: Sequence[TextTable], schema: Schema, target: str, settings: Settings) -> pa.Table:
    """The rows of all tables, with the columns that are used."""
    special = (settings.weight, settings.group, settings.time, settings.split_column)
    used = dict.fromkeys([*(column.name for column in schema.columns), target, *filter(None, special)])
    for table in tables[1:]:
        for name in used:
            find_column(table.columns.column_names, name, "data.val_path or data.test_path")
    chosen = [table.columns.select(list(used)) for table in tables]
    if len(chosen) > 1 and len({str(each.schema) for each in chosen}) > 1:
        chosen = [pa.table({name: as_texts(each.column(name)) for name in used}) for each in chosen]
    return join(chosen, [table.files[0] for table in tables]) if len(chosen) > 1 else chosen[0]


def _parts(rows: pa.Table, settings: Settings, parts: Mapping[str, tuple[int, int]]) -> dict[str, np.ndarray]:
    """Which rows are in the official splits."""
    masks = {part: np.zeros(rows.num_rows, dtype=bool) for part in parts}
    for part, (start, count) in parts.items():
        masks[part][start : start + count] = True
    if settings.split_column is None:
        return masks
    if parts:
        raise ValueError("split.by=column:COL and data.val_path or data.test_path both name a split: use one of them")
    texts = clean(as_texts(rows.column(settings.split_column)))
    unique, indices = distinct(pc.utf8_lower(texts))
    words = unique.to_pylist()
    wrong = [word for word in words if word not in PARTS]
    if wrong or indices.null_count:
        row = indices.index(pa.scalar(words.index(wrong[0]) if wrong else None, indices.type)).as_py() if wrong else 0
        what = f"'{shown(wrong[0])}' in row {row + 1:,}" if wrong else "a missing value"
        raise ValueError(f"column {settings.split_column} has {what}: each row must be train, val or test")
    codes = indices.to_numpy()
    for part in ("val", "test"):
        mask = np.isin(codes, [place for place, word in enumerate(words) if PARTS[word] == part])
        if mask.any():
            masks[part] = mask
    return masks


def _check_targets(targets: Targets, keep: np.ndarray, name: str) -> None:
    values = targets.values[keep]
    if len(values) == 0:
        raise ValueError(f"data.target={name} has no value in any row")
    if (values == values[0]).all():
        value = targets.classes[int(values[0])] if targets.classes else values[0]
        raise ValueError(f"data.target={name} is {shown(value)} in every row: there is nothing to learn")


def _special(rows: pa.Table, name: str, settings: Settings, decimal: str) -> Column:
    """A column that is used apart from the inputs, even if data.ignore has it."""
    return type_column(name, rows.column(name), Rules({}, dates=settings.dates, decimal=decimal))[0]


def _order(rows: pa.Table, settings: Settings, keep: np.ndarray, decimal: str) -> np.ndarray:
    """The rows that are kept, in order of time if there is such a column."""
    order = np.flatnonzero(keep)
    if settings.time is None:
        return order
    values = rows.column(settings.time)
    kind = _special(rows, settings.time, settings, decimal)
    if kind.kind not in ("date", "number"):
        raise ValueError(f"split.by=time:{settings.time}: the column is no date or number ({kind.reason})")
    times = days(values, kind) if kind.kind == "date" else exact_numbers(values, kind)
    if np.isnan(times[order]).any():
        row = int(order[np.isnan(times[order])][0]) + 1
        raise ValueError(f"split.by=time:{settings.time}: row {row:,} has no time: correct or remove it")
    return order[np.argsort(times[order], kind="stable")]


def _where(mask: np.ndarray, order: np.ndarray) -> Tensor:
    return torch.from_numpy(np.flatnonzero(mask[order]))


def _tensor(targets: Targets, order: np.ndarray) -> Tensor:
    values = torch.from_numpy(targets.values[order])
    return values.long() if targets.classes else values.float()


def _weights(rows: pa.Table, settings: Settings, order: np.ndarray, decimal: str) -> Tensor | None:
    if settings.weight is None:
        return None
    column = _special(rows, settings.weight, settings, decimal)
    if column.kind != "number":
        raise ValueError(f"data.weight={settings.weight}: the column holds no numbers ({column.reason})")
    found = exact_numbers(rows.column(settings.weight), column)[order]
    wrong = np.flatnonzero(~(np.isfinite(found) & (found >= 0)))
    if len(wrong):
        raise ValueError(f"data.weight={settings.weight}: row {order[wrong[0]] + 1:,} has no weight of at least 0")
    return torch.from_numpy(found).float()


def _groups(rows: pa.Table, settings: Settings, order: np.ndarray) -> Tensor | None:
    if settings.group is None:
        return None
    texts = clean(as_texts(rows.column(settings.group)))
    _, indices = distinct(texts)
    codes = pc.cast(pc.fill_null(indices, -1), pa.int64()).to_numpy()[order]
    if (codes < 0).any():
        raise ValueError(f"split.by=group:{settings.group}: row {order[codes < 0][0] + 1:,} has no group")
    _, dense = np.unique(codes, return_inverse=True)
    return torch.from_numpy(dense)
