"""Tables of inputs from CSV or JSON, reduced to the columns, numbers or texts that a run was trained on."""

import csv
import io
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from mlcli.config.errors import ConfigError
from mlcli.loading.dataset import DataSet
from mlcli.loading.tokenizer import TEXT

if TYPE_CHECKING:
    import pandas as pd

STDIN = "-"
LISTED = 8  # columns in a message
MAX_EXTRA = 100_000  # columns besides those that are needed
MAX_CELLS = 1 << 26  # of a table that is padded where values are missing
MAX_VALUE = 60  # characters of a value in a message


def read_csv(file: str, data: DataSet) -> "pd.DataFrame":
    """The table of a file, or of stdin for `-`. Raises ConfigError like `parse_csv`."""
    if file == STDIN:
        return parse_csv(io.StringIO(sys.stdin.buffer.read().decode("utf-8-sig")), data)
    with Path(file).open(encoding="utf-8-sig", newline="") as opened:
        return parse_csv(opened, data)


def parse_csv(source: TextIO, data: DataSet, most: int | None = None) -> "pd.DataFrame":
    """A table with column names in its first line; at most the first `most` rows. Raises ConfigError for missing or
    duplicate names, and for a row with more values than names."""
    import pandas as pd

    names = next(filter(None, csv.reader(source)), [])
    _require_distinct(filter(None, names))  # pandas would rename them
    lines = sum(1 for _ in source)
    shorter = (
        len(names) * lines > source.tell()
    )  # some rows have fewer values than names, and padding them multiplies the size
    require_size(min(lines, most or lines) if shorter else 1, len(names), data)
    source.seek(0)
    # Texts unchanged: pandas would convert `Null` to a missing value.
    as_text: dict[str, Any] = {"dtype": str, "keep_default_na": False} if data.examples.tokenizer else {}
    table = pd.read_csv(source, low_memory=False, nrows=most, **as_text)
    if not isinstance(table.index, pd.RangeIndex):  # pandas has taken the first values as row names
        raise ConfigError(
            "has rows with more values than there are names in the first line: quote values with commas"
        )
    if len(table.columns) > 1 and _are_numbers(list(table.columns)):
        raise ConfigError("the first line must name the columns, and it holds numbers")
    return table


def require_size(rows: int, columns: int, data: DataSet) -> None:
    """Raises ConfigError for a table that is far larger than its text or than needed."""
    numbers = int(np.prod(data.shape))
    if columns > numbers + MAX_EXTRA:
        raise ConfigError(f"has {columns:,} columns where an example has {numbers:,} numbers")
    if rows * columns > MAX_CELLS:
        raise ConfigError(f"describes {rows:,} × {columns:,} values, more than {MAX_CELLS:,}: use fewer rows")


def select_inputs(table: "pd.DataFrame", data: DataSet) -> "pd.DataFrame | np.ndarray | list[str]":
    """The columns that the run was trained on; if these have no names, all except the target, in their order.

    For a run on text, the column `text`, or the only one besides the target. Raises ConfigError for a table that does
    not fit.
    """
    _require_distinct(table.columns)
    if data.kind == "table":
        return table
    if data.kind == "vector" and data.features:
        missing = [name for name in data.features if name not in table.columns]
        if missing:
            more = f" and {len(missing) - LISTED} more" if len(missing) > LISTED else ""
            raise ConfigError(f"lacks the columns {', '.join(missing[:LISTED])}{more}")
        return _numeric(table[list(data.features)])
    table = table.drop(columns=data.target, errors="ignore")
    if data.examples.tokenizer:
        return texts(_text_column(table), data)
    numbers = int(np.prod(data.shape))
    if table.shape[1] != numbers:
        shape = " × ".join(map(str, data.shape))
        raise ConfigError(f"has {table.shape[1]} columns where an example has {numbers} numbers ({shape})")
    return _numeric(table).to_numpy()


def texts(given: list[str], data: DataSet) -> list[str]:
    """Returns texts or names of states unchanged. Raises ConfigError for a run on other data, and for an empty
    row."""
    if not data.examples.tokenizer and data.kind != "state":
        raise ConfigError(f"is text, and this run was trained on data={data.name}, which is {data.kind}")
    for row, text in enumerate(given, 1):
        if not isinstance(text, str) or not text.strip():
            raise ConfigError(f"row {row} holds no text")
    return given


def _are_numbers(names: list[str]) -> bool:
    """Whether all names are numbers, other than 0, 1, 2 …, which pandas gives to columns without names."""
    try:
        return [float(name) for name in names] != list(range(len(names)))
    except ValueError:
        return False


def _text_column(table: "pd.DataFrame") -> list[str]:
    if TEXT not in table.columns and table.shape[1] != 1:
        raise ConfigError(f"has {table.shape[1]} columns: name that of the texts `{TEXT}`")
    column: list[str] = table[TEXT if TEXT in table.columns else table.columns[0]].tolist()
    return column


def _numeric(table: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    try:
        numbers = table.apply(pd.to_numeric, errors="coerce")
    except (TypeError, OverflowError) as error:  # such as lists, or integers too large for a float
        raise ConfigError("holds values that are not numbers") from error
    for name in table.columns:
        wrong = table[name][numbers[name].isna() & table[name].notna()]
        if len(wrong):
            raise ConfigError(f"the column {name} holds {_short(wrong.iloc[0])}, where numbers are expected")
    return numbers


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"


def _require_distinct(names: Iterable[Any]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ConfigError(f"has {len(twice)} column names more than once: {', '.join(map(_short, twice[:LISTED]))}")
