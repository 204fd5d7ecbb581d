"""A report on a table as one HTML page, by skrub's TableReport."""

from typing import TYPE_CHECKING

from mlcli.loading.table.encode import days, exact_numbers
from mlcli.loading.table.examples import Settings, type_with
from mlcli.loading.table.read import TextTable
from mlcli.loading.table.values import as_texts
from mlcli.packages import needs

if TYPE_CHECKING:
    import pandas as pd


def html_report(table: TextTable, settings: Settings, title: str) -> str:
    """The page. Raises ValueError if skrub is not installed, or as `describe` does."""
    try:
        from skrub import TableReport
    except ImportError as error:
        raise ValueError(needs("--html", "skrub")) from error
    return str(TableReport(typed_frame(table, settings), title=title, verbose=0).html())


def typed_frame(table: TextTable, settings: Settings) -> "pd.DataFrame":
    """The columns by their kinds: numbers, dates, and texts for all others; missing values are NaN, NaT and None."""
    import pandas as pd

    _, typed = type_with(table, settings)
    found = {}
    for column in typed.columns:
        values = table.columns.column(column.name)
        if column.kind == "number":
            found[column.name] = pd.Series(exact_numbers(values, column))
        elif column.kind == "date":
            found[column.name] = pd.Series(pd.to_datetime(days(values, column), unit="D"))
        else:
            found[column.name] = pd.Series(as_texts(values).to_pylist(), dtype=object)
    return pd.DataFrame(found)
