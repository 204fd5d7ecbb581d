"""The target of a table: which column, whether it names classes, and its values. N rows, C classes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlcli.loading.table.clean import clean, distinct, first_row, shown
from mlcli.loading.table.columns import Column
from mlcli.loading.table.encode import exact_numbers
from mlcli.loading.table.values import as_texts

MOST_CLASSES = 20  # of a target of whole numbers
ROWS_PER_CLASS = 5  # on average
LISTED = 8  # columns in a message
OTHER = "other"  # the class that rare classes are merged into


def task_of(target: Column) -> Literal["classification", "regression"]:
    """What task=auto becomes. Texts, categories and booleans are classes. Numbers are classes if all are whole and
    there are two different ones, or at most 20 with five rows each on average; other numbers are regression."""
    return "regression" if target.kind == "number" and not target.levels else "classification"


def find_target(names: Sequence[str], target: str | Sequence[str] | None) -> str:
    """The name of the target's column. Raises ValueError where there is none or there are several."""
    if target is None or target == "" or target == []:
        usual = [name for name in names if name.lower() in ("target", "label", "class", "y", "outcome")]
        example = usual[0] if usual else names[-1]
        raise ValueError(f"data.target is not given: use data.target={example}, or one of: {_listed(names)}")
    if not isinstance(target, str):
        if len(target) > 1:
            raise ValueError(f"data.target names {len(target)} columns ({', '.join(target)}): use one of them")
        target = target[0]
    return find_column(names, target, "data.target")


def find_column(names: Sequence[str], wanted: str, key: str) -> str:
    """The column of that name. Raises ValueError with the most similar name if there is none."""
    if wanted in names:
        return wanted
    lower = {name.lower(): name for name in names}
    near = [lower[each] for each in get_close_matches(wanted.strip().lower(), lower, n=1)]
    question = f" Did you mean {near[0]}?" if near else ""
    raise ValueError(f"{key}={wanted}: there is no such column.{question} Columns: {_listed(names)}")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(map(shown, names[:LISTED])) + more


def classes_of(column: Column, values: pa.ChunkedArray) -> Column:
    """The target's column with its classes as levels, where `task_of` takes it as classes. Raises ValueError for a
    target that is a date or has no values."""
    if column.kind == "ignored":
        raise ValueError(f"data.target={column.name}: the column has {column.reason}: use another one")
    if column.kind == "date":
        raise ValueError(f"data.target={column.name} is a date: use a number or a category")
    if column.kind == "text":
        return replace(column, levels=_levels(as_texts(values)))
    if column.kind != "number":
        return column
    numbers = exact_numbers(values, column)
    numbers = numbers[~np.isnan(numbers)]
    unique = np.unique(numbers)
    whole = bool(np.isfinite(unique).all()) and bool((unique == np.floor(unique)).all())
    few = len(unique) <= MOST_CLASSES and len(numbers) >= ROWS_PER_CLASS * len(unique)
    if not whole or not (len(unique) == 2 or few):
        return column
    return replace(column, levels=number_names(unique))


def number_names(values: np.ndarray) -> tuple[str, ...]:
    """Names of the classes of a target of numbers: 2 and not 2.0."""
    return tuple(str(int(value)) if value == int(value) else repr(float(value)) for value in values)


def _levels(values: pa.ChunkedArray) -> tuple[str, ...]:
    unique, _ = distinct(clean(values))
    return tuple(sorted(unique.to_pylist()))


@dataclass(frozen=True, eq=False)
class Targets:
    """values: N class indices (int64) or numbers (float64), -1 or NaN where missing. classes: empty for numbers."""

    values: np.ndarray
    classes: tuple[str, ...]

    @property
    def missing(self) -> np.ndarray:
        return np.asarray(self.values < 0 if self.classes else np.isnan(self.values))


def read_targets(column: Column, values: pa.ChunkedArray, as_classes: bool | None = None) -> Targets:
    """The target of each row. as_classes: None for the rule of `task_of`. Raises ValueError for infinite numbers, and
    for classes that the column's levels lack."""
    classes = task_of(column) == "classification" if as_classes is None else as_classes
    if not classes:
        if column.kind != "number":
            raise ValueError(
                f"data.target={column.name} is no number ({column.reason}): use task=classification, or correct its "
                f"values and use data.types={{{column.name}: number}}"
            )
        return Targets(_finite(column, values), ())
    if column.kind == "number":
        numbers = _finite(column, values)
        unique = np.unique(numbers[~np.isnan(numbers)])
        if column.levels:
            unique = np.asarray([float(level) for level in column.levels])
        places = np.minimum(np.searchsorted(unique, numbers), len(unique) - 1)
        codes = np.where(np.isnan(numbers), -1, places)
        _check_known(column, (codes >= 0) & (unique[places] != numbers), values)
        return Targets(codes, number_names(unique))
    texts = clean(as_texts(values), weak=column.kind == "boolean")
    levels = column.levels
    known = pc.utf8_lower(texts) if column.kind == "boolean" else texts
    wanted = pa.array([level.lower() if column.kind == "boolean" else level for level in levels], pa.string())
    codes = pc.cast(pc.fill_null(pc.index_in(known, value_set=wanted), -1), pa.int64()).to_numpy()
    _check_known(column, (codes < 0) & pc.is_valid(texts).to_numpy(), values)
    return Targets(codes, levels)


def _finite(column: Column, values: pa.ChunkedArray) -> np.ndarray:
    numbers = exact_numbers(values, column)
    infinite = np.flatnonzero(np.isinf(numbers))
    if len(infinite):
        raise ValueError(
            f"data.target={column.name} is infinite in {len(infinite):,} rows (first: row {infinite[0] + 1:,}): "
            f"correct or remove these rows"
        )
    return numbers


def _check_known(column: Column, unknown: np.ndarray, values: pa.ChunkedArray) -> None:
    row = first_row(pa.array(unknown))
    if row >= 0:
        text = as_texts(values)[row]
        raise ValueError(f"row {row + 1:,}: {column.name} is '{shown(text)}', a class that the training table lacks")


def treat_rare(targets: Targets, rare_classes: str, name: str) -> tuple[Targets, np.ndarray, str]:
    """What happens to classes of one row, which no stratified split can divide: the targets, which rows are kept, and
    a note. error: ValueError. drop: their rows are left out. merge: they become the class `other`, with the next
    rarest class where there is one such row only."""
    counts = np.bincount(targets.values[targets.values >= 0], minlength=len(targets.classes))
    keep = np.ones(len(targets.values), dtype=bool)
    rare = [targets.classes[place] for place in np.flatnonzero(counts == 1)]
    if rare_classes == "merge" and rare:
        merged = _merge(targets, counts)
        return merged, keep, f"{name}: {len(rare)} classes of one row ({_listed(rare)}) are merged as {OTHER}"
    if rare and rare_classes == "error":
        if len(rare) > len(targets.classes) / 2:
            raise ValueError(
                f"data.target={name}: {len(rare):,} of {len(targets.classes):,} classes have one row only, as in a "
                f"column of names or free texts: use another target"
            )
        raise ValueError(
            f"data.target={name}: {'classes' if len(rare) > 1 else 'class'} {_listed(rare)} of one row only: "
            f"use data.rare_classes=drop, or merge"
        )
    used = np.flatnonzero(counts > (1 if rare_classes == "drop" else 0))
    keep = (targets.values < 0) | np.isin(targets.values, used)
    if len(used) == len(targets.classes):
        return targets, keep, ""
    places = np.full(len(targets.classes) + 1, -1)
    places[used] = np.arange(len(used))
    kept = Targets(places[targets.values], tuple(targets.classes[place] for place in used))
    return kept, keep, f"{name}: {len(rare)} classes of one row ({_listed(rare)}) are left out" if rare else ""


def _merge(targets: Targets, counts: np.ndarray) -> Targets:
    order = np.argsort(counts, kind="stable")
    order = order[counts[order] > 0]
    count = max(int((counts == 1).sum()), 2)
    merged = {targets.classes[place] for place in order[:count]} | ({OTHER} & set(targets.classes))
    classes = [each for place, each in enumerate(targets.classes) if each not in merged and counts[place]]
    classes.append(OTHER)
    index = {each: place for place, each in enumerate(classes)}
    places = np.asarray([index.get(each, index[OTHER]) for each in targets.classes] + [-1])
    return Targets(places[targets.values], tuple(classes))
