"""A table of one's own in Parquet files, whose columns have types."""

from collections.abc import Mapping, Sequence
from typing import Literal

from mlcli.loading.dataset import Examples
from mlcli.loading.table.before import columns_of_parquet, read_as_parquet, task_from
from mlcli.loading.table.examples import Settings, examples_of_files
from mlcli.loading.table.schema import Schema
from mlcli.loading.table.typed_files import read_parquet
from mlcli.traits import DataTraits, with_traits


@with_traits(DataTraits(columns=columns_of_parquet, task=task_from(read_as_parquet)))
def parquet(
    path: str | Sequence[str] | None = None,
    target: str | Sequence[str] | None = None,
    types: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    weight: str | None = None,
    val_path: str | Sequence[str] | None = None,
    test_path: str | Sequence[str] | None = None,
    decimal: str = "auto",
    dates: Literal["auto", "day_first", "month_first"] = "auto",
    rare_classes: Literal["error", "drop", "merge"] = "error",
    group: str | None = None,
    time: str | None = None,
    split_column: str | None = None,
    as_classes: bool | None = None,
    schema: Schema | None = None,
) -> Examples:
    """path: a file, a glob, or a list of these. group, time, split_column: as `split.by` says.
    as_classes: whether the target names classes; None for the rule of `task_of`. schema: of the table that a run was
    trained on. Raises ValueError in one line."""
    settings = Settings(
        *(target, types, ignore, weight, decimal, dates, rare_classes, group, time, split_column, as_classes, schema)
    )
    return examples_of_files(read_parquet, path, val_path, test_path, settings)
