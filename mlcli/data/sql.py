"""A table of one's own in a database, read by a query in a read-only transaction."""

from collections.abc import Mapping, Sequence
from typing import Literal

from mlcli.loading.dataset import Examples
from mlcli.loading.table.before import columns_of_query, task_of_settings
from mlcli.loading.table.examples import Settings, make_examples
from mlcli.loading.table.schema import Schema
from mlcli.loading.table.sql import read_sql
from mlcli.traits import DataTraits, with_traits


@with_traits(DataTraits(columns=columns_of_query, task=task_of_settings))
def sql(
    url: str | None = None,
    query: str | None = None,
    target: str | Sequence[str] | None = None,
    types: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    weight: str | None = None,
    decimal: str = "auto",
    dates: Literal["auto", "day_first", "month_first"] = "auto",
    rare_classes: Literal["error", "drop", "merge"] = "error",
    group: str | None = None,
    time: str | None = None,
    split_column: str | None = None,
    as_classes: bool | None = None,
    schema: Schema | None = None,
) -> Examples:
    """url: an address as SQLAlchemy has them, such as sqlite:///FILE, or env:NAME for one in an environment variable;
    one with a password is refused. as_classes: whether the target names classes; None for the rule of `task_of`.
    schema: of the table that a run was trained on. Raises ValueError in one line."""
    settings = Settings(
        *(target, types, ignore, weight, decimal, dates, rare_classes, group, time, split_column, as_classes, schema)
    )
    table, source = read_sql(url, query)
    return make_examples(table, settings, name=source.name, source=source.shown)
