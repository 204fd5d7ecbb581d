"""Rows of tables for runs on tables, as tables of Arrow."""

from typing import TYPE_CHECKING, Any

from mlcli.loading.table.schema import Schema

if TYPE_CHECKING:
    import pyarrow as pa

LISTED = 3  # columns in a message


def parse_rows(text: str) -> "pa.Table":
    """The rows of a request. Raises ValueError in one line."""
    from mlcli.loading.table.read import parse_table

    return parse_table(text.encode(), "its CSV").columns


def as_arrow(given: Any, schema: Schema) -> "pa.Table":
    """A table of Arrow or pandas as one of Arrow. Raises ValueError for anything else."""
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
    return given
