"""The kind of each column of texts, by stated rules.

In this order: a kind that the user gives; no values → ignored; two words such as yes and no → boolean; whole numbers
with a leading zero (01234) → category; whole numbers from 2⁵³, where float64 loses digits → text, ids; numbers (with
separators of thousands, %, a currency or decimal commas) → number; dates → date. Other columns are categories if
they have at most 20 different values, or if a value occurs twice on average and is at most 50 characters long on
average. All else is text, which is an input too, except for ids: words of ASCII without spaces that differ in 90 % of
the rows. (Chinese and Japanese texts have no spaces either.)

Blanks and words such as NA and null are missing values. None, -, ? and similar words are missing values in columns of
numbers, dates and booleans only; in a category they are levels.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlcli.loading.table.category import category_or_text, note_of_many_levels, sorted_levels
from mlcli.loading.table.clean import clean, distinct, first_row, shown
from mlcli.loading.table.columns import ID, KINDS, Column, Kind
from mlcli.loading.table.dates import DIGITS, date_format, parse_days
from mlcli.loading.table.encode import exact_numbers
from mlcli.loading.table.numbers import (
    AMBIGUOUS_COMMA,
    AMBIGUOUS_POINT,
    CLEAR_DECIMAL_COMMA,
    LARGEST_WHOLE,
    PATTERNS,
    PLAIN,
    all_match,
    any_match,
    number_format,
    parse_numbers,
)
from mlcli.loading.table.values import as_texts, is_numeric, simple

BOOLEANS = (("no", "yes"), ("n", "y"), ("false", "true"), ("f", "t"), ("off", "on"), ("nein", "ja"), ("non", "oui"))
UNNAMED = re.compile(r"column_\d+_*|Unnamed: \d+")  # as the reader and pandas name them
MAYBE_THOUSANDS = rf"{AMBIGUOUS_POINT}|^-?\d{{1,3}}$"
SAMPLE = 1000  # rows from which the decimal sign of a file is found
MOSTLY = 0.5  # of the different texts are numbers: the others are probably mistakes


@dataclass(frozen=True)
class Rules:
    """What the user says about columns. types: kind by name. ignore: names. dates: auto, day_first or month_first.
    decimal: auto, "." or ","."""

    types: Mapping[str, str]
    ignore: Collection[str] = ()
    dates: str = "auto"
    decimal: str = "auto"


@dataclass(frozen=True)
class Typed:
    """All columns of a table in order, and what a person might want to correct, a line each. decimal: as in Rules."""

    columns: tuple[Column, ...]
    notes: tuple[str, ...]
    decimal: str = "auto"


def type_columns(table: pa.Table, rules: Rules) -> Typed:
    """Raises ValueError if dates are ambiguous, or a column does not fit the kind that the user gives it."""
    rules = replace(rules, decimal=_decimal(table) if rules.decimal == "auto" else rules.decimal)
    columns, notes = [], []
    for name, values in zip(table.column_names, table.columns, strict=True):
        column, note = type_column(name, values, rules)
        columns.append(column)
        notes += [note] if note else []
    return Typed(tuple(columns), tuple(notes), rules.decimal)


def _decimal(table: pa.Table) -> str:
    """A comma if a column of numbers has one that can only be a decimal sign."""
    for values in table.columns:
        if pa.types.is_string(values.type) and any_match(values.slice(0, SAMPLE), ","):
            sample = clean(values.slice(0, SAMPLE), weak=True)
            if any_match(sample, CLEAR_DECIMAL_COMMA) and "decimal_comma" in (number_format(sample, ",") or ""):
                return ","
    return "auto"


def type_column(name: str, values: pa.ChunkedArray, rules: Rules) -> tuple[Column, str]:
    """The column, and a note or an empty text."""
    if name in rules.ignore:
        return Column(name, "ignored", "as data.ignore says"), ""
    given = rules.types.get(name)
    if given == "ignored":
        return Column(name, "ignored", "as data.types says"), ""
    if values.null_count == len(values) and not pa.types.is_nested(values.type):
        return Column(name, "ignored", "no values"), ""
    values = simple(values, name)
    if given is None and pa.types.is_string(values.type) and all_match(values, PLAIN) and rules.decimal != ",":
        return _plain_numbers(name, values)
    if given is None and is_numeric(values.type) and not pa.types.is_boolean(values.type):
        return _typed_numbers(name, values), ""
    values = as_texts(values)
    return _given(name, values, given, rules) if given else _found(name, values, rules)


def _plain_numbers(name: str, values: pa.ChunkedArray) -> tuple[Column, str]:
    """The quick case: at most 15 digits before the point."""
    if UNNAMED.fullmatch(name) and _counts_rows(values):
        return Column(name, "ignored", "numbers of the rows, without a name"), ""
    example = values.slice(0, SAMPLE)
    note = ""
    if all_match(example, MAYBE_THOUSANDS) and all_match(values, MAYBE_THOUSANDS):
        grouped = pc.match_substring_regex(values, AMBIGUOUS_POINT)
        if pc.any(grouped).as_py() and not pc.all(grouped).as_py():
            text = values[first_row(grouped)]
            note = (
                f"column {name}: {text} is read with a decimal point; if it separates thousands, "
                f"use data.decimal=comma"
            )
    return Column(name, "number", "numbers"), note


def _counts_rows(values: pa.ChunkedArray) -> bool:
    """Whether these are 0, 1, 2, … or 1, 2, 3, …"""
    if values.null_count or len(values) < 2:
        return False
    numbers = exact_numbers(values, Column("", "number", ""))
    return bool(numbers[0] in (0, 1) and (np.diff(numbers) == 1).all())


def _typed_numbers(name: str, values: pa.ChunkedArray) -> Column:
    """Of a file that has types."""
    if not pa.types.is_floating(values.type) and not (pa.types.is_decimal(values.type) and values.type.scale > 0):
        extremes = pc.min_max(values).as_py()
        if max(abs(extremes["min"]), abs(extremes["max"])) >= LARGEST_WHOLE:
            return _ids(name)
    elif not np.isfinite(exact_numbers(values, Column(name, "number", ""))).any():
        return Column(name, "ignored", "no finite values")
    return Column(name, "number", "numbers by the type in the file")


def _ids(name: str) -> Column:
    return Column(name, "text", "ids: whole numbers from 2⁵³", format=ID)


def _found(name: str, values: pa.ChunkedArray, rules: Rules) -> tuple[Column, str]:
    strong = clean(values)
    unique, indices = distinct(strong)
    values_weak = clean(pa.chunked_array([unique]), weak=True)
    some = pc.drop_null(values_weak).combine_chunks()  # different texts without None, - and ?
    if len(unique) == 0 or len(some) == 0:
        return Column(name, "ignored", "no values"), ""
    if (boolean := _boolean(name, some, strong)) is not None:
        return boolean, ""
    if (format := number_format(some, rules.decimal)) is not None:
        return _number(name, unique, some, format, rules)
    format, ambiguous = date_format(some, rules.dates)
    if ambiguous:
        raise ValueError(
            f"column {name}: dates such as {shown(ambiguous)} are ambiguous: use data.dates=day_first or "
            f"data.dates=month_first"
        )
    if format is not None:
        return Column(name, "date", f"dates, such as {shown(some[0])}", format=format), ""
    column = category_or_text(name, unique, indices)
    return column, _mostly(name, some, strong, rules) or note_of_many_levels(column)


def _boolean(name: str, some: pa.Array, values: pa.ChunkedArray) -> Column | None:
    """A column of one pair of words, in any case. Its levels are written as in most rows."""
    if len(some) > 4 * 2:
        return None
    words = {text.lower() for text in some.to_pylist()}
    pair = next((pair for pair in BOOLEANS if words <= set(pair)), None)
    if pair is None or (len(words) == 1 and len(pair[0]) == 1):
        return None
    counts = {each["values"]: each["counts"] for each in values.value_counts().to_pylist()}
    spellings = sorted(some.to_pylist(), key=lambda text: -counts[text])
    levels = tuple(next(text for text in spellings if text.lower() == word) for word in pair if word in words)
    return Column(name, "boolean", " or ".join(levels), levels)


def _number(name: str, unique: pa.Array, some: pa.Array, format: str, rules: Rules) -> tuple[Column, str]:
    """A column whose different texts are numbers in this format, except for some that may stand for missing ones."""
    if not format and any_match(some, r"^[+-]?0\d+$"):
        example = some.filter(pc.match_substring_regex(some, r"^[+-]?0\d+$"))[0]
        return Column(name, "category", f"leading zeros, such as {shown(example)}", sorted_levels(unique)), ""
    numbers, _ = parse_numbers(some, format)
    finite = numbers.filter(pc.is_finite(numbers))
    if len(finite) == 0:
        return Column(name, "ignored", "no finite values"), ""
    if not format and all_match(some, r"^[+-]?\d+$") and pc.max(pc.abs(finite)).as_py() >= LARGEST_WHOLE:
        return _ids(name), ""
    infinite = len(numbers) - len(finite)
    note = f"column {name}: infinite values are taken as missing" if infinite else ""
    if format == "thousands_comma" and all_match(some, rf"{AMBIGUOUS_COMMA}|^\d{{1,3}}$") and rules.decimal == "auto":
        example = some.filter(pc.match_substring_regex(some, AMBIGUOUS_COMMA))[0].as_py()
        whole = example.replace(",", "")
        note = f"column {name}: {example} is read as {whole}; if it is a decimal comma, use data.decimal=comma"
    if format == "decimal_comma thousands_point" and all_match(some, MAYBE_THOUSANDS):
        example = some.filter(pc.match_substring_regex(some, AMBIGUOUS_POINT))[0].as_py()
        whole = example.replace(".", "")
        note = f"column {name}: {example} is read as {whole}, since decimal signs of the file are commas"
    reason = f"numbers ({format.replace('_', ' ')}), such as {shown(some[0])}" if format else "numbers"
    return Column(name, "number", reason, format=format), note


def _mostly(name: str, some: pa.Array, values: pa.ChunkedArray, rules: Rules) -> str:
    """A note if most texts are numbers or dates: the first that is not is probably a mistake."""
    numeric = pc.match_substring_regex(some, PATTERNS["decimal_comma" if rules.decimal == "," else ""])
    dated = pc.match_substring_regex(some, DIGITS)
    if pc.mean(pc.cast(dated, pa.float64())).as_py() >= MOSTLY:  # else a look at dates would take time for nothing
        dated = pa.array(~np.isnan(parse_days(some, "day_first" if rules.dates == "auto" else rules.dates)))
    for kind, good in (("number", numeric), ("date", dated)):
        if pc.mean(pc.cast(good, pa.float64())).as_py() >= MOSTLY:
            text = some[first_row(pc.invert(good))]
            row = int(pc.index(values, text).as_py()) + 1
            return (
                f"column {name}: '{shown(text)}' in row {row:,} is no {kind}, so the column is none of {kind}s; "
                f"correct it, then use data.types={{{name}: {kind}}}"
            )
    return ""


def _given(name: str, values: pa.ChunkedArray, given: str, rules: Rules) -> tuple[Column, str]:
    """A column of the kind that the user gives it. Raises ValueError where its texts do not fit."""
    assert given in KINDS
    weak = given in ("number", "date", "boolean")
    values = clean(values, weak=weak)
    unique, _ = distinct(values)
    if len(unique) == 0:
        return Column(name, "ignored", "no values"), ""
    reason, format = "as data.types says", ""
    levels: tuple[str, ...] = ()
    if given in ("category", "boolean"):
        levels = sorted_levels(unique)
        column, _ = (_boolean(name, unique, values), "")
        if given == "boolean" and column is not None:
            return replace(column, reason=reason), ""
        if given == "boolean" and len(levels) > 2:
            raise ValueError(f"data.types: column {name} has {len(levels)} different texts: use {name}: category")
    elif given == "number":
        format = number_format(unique, rules.decimal) or _most_frequent_format(unique, rules)
        exact_numbers(values, Column(name, "number", reason, format=format))
    elif given == "date":
        format = _date_format(name, unique, rules)
    return Column(name, cast(Kind, given), reason, levels, format), ""


def _most_frequent_format(unique: pa.Array, rules: Rules) -> str:
    """The format of digits in which most texts are numbers, so that the others can be named."""
    names = [name for name in PATTERNS if ("decimal_comma" in name) == (rules.decimal == ",")]
    counts: dict[str, Any] = {
        name: pc.sum(pc.match_substring_regex(unique, PATTERNS[name])).as_py() or 0 for name in names
    }
    return max(counts, key=lambda name: counts[name])


def _date_format(name: str, unique: pa.Array, rules: Rules) -> str:
    format, ambiguous = date_format(unique, rules.dates)
    if ambiguous:
        raise ValueError(
            f"column {name}: dates such as {shown(ambiguous)} are ambiguous: use data.dates=day_first or month_first"
        )
    if format is None:
        days = parse_days(unique, "day_first" if rules.dates == "auto" else rules.dates)
        wrong = unique[int(np.flatnonzero(np.isnan(days))[0])] if np.isnan(days).any() else unique[0]
        raise ValueError(f"column {name}: '{shown(wrong)}' is no date: use data.types={{{name}: category}}")
    return format
