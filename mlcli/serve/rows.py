"""Rows of tables for runs on tables: read as texts, encoded by the schema of the run."""

import sys
from typing import TYPE_CHECKING, Any

from mlcli.config.errors import ConfigError
from mlcli.loading.dataset import DataSet
from mlcli.loading.table.schema import Encoded, Schema

if TYPE_CHECKING:
    import pyarrow as pa

STDIN = "-"
LISTED = 3  # levels in a line


def read_rows(file: str) -> "pa.Table":
    """The rows of a file, or of CSV on stdin for `-`. Raises ConfigError in one line."""
    from mlcli.loading.table.read import parse_table, read_table

    try:
        if file == STDIN:
            return parse_table(sys.stdin.buffer.read(), "stdin").columns
        return read_table(file).columns
    except ValueError as error:
        raise ConfigError(str(error)) from error


def parse_rows(text: str) -> "pa.Table":
    """The rows of a request. Raises ValueError in one line."""
    from mlcli.loading.table.read import parse_table

    return parse_table(text.encode(), "its CSV").columns


def encode_rows(given: Any, schema: Schema) -> Encoded:
    """Encodes a table of Arrow or pandas. Raises ValueError for anything else and for rows that do not fit."""
    import pandas as pd
    import pyarrow as pa

    if isinstance(given, pd.DataFrame):
        try:
            given = pa.Table.from_pandas(given, preserve_index=False)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise ValueError(
                f"a column holds values of several types: {' '.join(str(error).split())[:200]}"
            ) from error
    if not isinstance(given, pa.Table):
        names = ", ".join(column.name for column in schema.columns[:LISTED])
        raise ValueError(f"the run was trained on a table: use rows with named columns ({names} …)")
    return schema.encode(given)


def findings(encoded: Encoded, data: DataSet) -> list[str]:
    """A line for each column with missing values or levels that the training table does not have."""
    lines = []
    rows = len(encoded.values)
    for name in (column.name for column in (data.examples.schema or Schema(())).columns):
        if count := encoded.missing.get(name):
            lines.append(f"column {name}: missing in {count:,} of {rows:,} rows")
        if levels := encoded.unseen.get(name):
            shown = ", ".join([*levels][:LISTED]) + (
                f" and {len(levels) - LISTED} more" if len(levels) > LISTED else ""
            )
            lines.append(
                f"column {name}: not in the training table in {sum(levels.values()):,} of {rows:,} rows ({shown})"
            )
    return lines
