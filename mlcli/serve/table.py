"""A table of inputs, from a CSV or from JSON, as what a run predicts for: its columns, its numbers or its texts."""

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

STDIN = "-"  # instead of a file
NAMED = 8  # so many columns are named in a message,
SPARE = 100_000  # columns beside those that are needed
CELLS = 1 << 26  # of a table that is filled up where values are missing
SHOWN = 60  # so many characters of a value


def read_csv(file: str, data: DataSet) -> "pd.DataFrame":
    """The table of a file, or of stdin for `-`. Raises ConfigError as `parse_csv`."""
    if file == STDIN:
        return parse_csv(io.StringIO(sys.stdin.buffer.read().decode("utf-8-sig")), data)
    with Path(file).open(encoding="utf-8-sig", newline="") as opened:
        return parse_csv(opened, data)


def parse_csv(source: TextIO, data: DataSet, most: int | None = None) -> "pd.DataFrame":
    """A table with names in its first line; of a longer one the first `most` rows. Raises ConfigError without names,
    for a name that comes twice, and for a row with more values than names."""
    import pandas as pd

    names = next(filter(None, csv.reader(source)), [])
    _require_distinct(filter(None, names))  # pandas would rename them
    lines = sum(1 for _ in source)
    shorter = len(names) * lines > source.tell()  # many rows have fewer values than names: filling them up multiplies
    require_size(min(lines, most or lines) if shorter else 1, len(names), data)
    source.seek(0)
    # As they stand where they are texts: else Null, a surname, would be a gap.
    as_text: dict[str, Any] = {"dtype": str, "keep_default_na": False} if data.examples.tokenizer else {}
    table = pd.read_csv(source, low_memory=False, nrows=most, **as_text)
    if not isinstance(table.index, pd.RangeIndex):  # pandas would take the first values for the rows' names
        raise ConfigError("has rows with more values than there are names in the first line: quote what has commas")
    if len(table.columns) > 1 and _are_numbers(list(table.columns)):
        raise ConfigError("the first line must name the columns, and it holds numbers")
    return table


def require_size(rows: int, columns: int, data: DataSet) -> None:
    """Raises ConfigError for a table that would be far larger than what describes it, or than what is needed."""
    numbers = int(np.prod(data.shape))
    if columns > numbers + SPARE:
        raise ConfigError(f"has {columns:,} columns where an example has {numbers:,} numbers")
    if rows * columns > CELLS:
        raise ConfigError(f"describes {rows:,} × {columns:,} values, more than {CELLS:,}: use fewer rows")


def select_inputs(table: "pd.DataFrame", data: DataSet) -> "pd.DataFrame | np.ndarray | list[str]":
    """The columns that the run was trained on; where these have no names, all but the target, in their order.

    Of a run on text, the column `text`, or the only one beside the target. Raises ConfigError for what does not fit.
    """
    _require_distinct(table.columns)
    if data.kind == "vector" and data.features:
        missing = [name for name in data.features if name not in table.columns]
        if missing:
            more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
            raise ConfigError(f"lacks the columns {', '.join(missing[:NAMED])}{more}")
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
    """The same, or names of states. Raises ConfigError for a run that takes neither, and where a row holds none."""
    if not data.examples.tokenizer and data.kind != "state":
        raise ConfigError(f"is text, and this run was trained on data={data.name}, which is {data.kind}")
    for row, text in enumerate(given, 1):
        if not isinstance(text, str) or not text.strip():
            raise ConfigError(f"row {row} holds no text")
    return given


def _are_numbers(names: list[str]) -> bool:
    """Not so for 0, 1, 2 …, which are the names that pandas gives to columns that have none."""
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
    except (TypeError, OverflowError) as error:  # lists and such, and integers beyond any float
        raise ConfigError("holds values that are no numbers") from error
    for name in table.columns:
        wrong = table[name][numbers[name].isna() & table[name].notna()]
        if len(wrong):
            raise ConfigError(f"the column {name} holds {_short(wrong.iloc[0])}, where numbers are expected")
    return numbers


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _require_distinct(names: Iterable[Any]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ConfigError(f"has {len(twice)} column names more than once: {', '.join(map(_short, twice[:NAMED]))}")
