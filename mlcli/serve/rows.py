"""Rows of tables for runs on tables: read as texts, encoded by the schema of the run."""

from typing import TYPE_CHECKING, Any

from mlcli.loading.table.schema import Encoded, Schema

if TYPE_CHECKING:
    import pyarrow as pa

LISTED = 3  # columns in a message


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
