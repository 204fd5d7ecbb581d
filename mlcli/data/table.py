"""A table of the user's own in files: text with any delimiter, encoding and number format; Parquet; Arrow; JSON
lines."""

from collections.abc import Mapping, Sequence
from typing import Literal

from mlcli.loading.dataset import Examples
from mlcli.loading.table.before import columns_of_files, task_of_settings
from mlcli.loading.table.bytes import Paths
from mlcli.loading.table.examples import Settings, examples_of_files
from mlcli.loading.table.files import Format, read_files
from mlcli.loading.table.read import ReadOptions
from mlcli.loading.table.schema import Schema
from mlcli.traits import DataTraits, with_traits


@with_traits(DataTraits(columns=columns_of_files, task=task_of_settings))
def table(
    format: Format,
    path: Paths = None,
    target: str | Sequence[str] | None = None,
    types: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    weight: str | None = None,
    val_path: Paths = None,
    test_path: Paths = None,
    delimiter: str = "auto",
    decimal: str = "auto",
    encoding: str = "auto",
    dates: Literal["auto", "day_first", "month_first"] = "auto",
    bad_rows: Literal["error", "skip"] = "error",
    rare_classes: Literal["error", "drop", "merge"] = "error",
    group: str | None = None,
    time: str | None = None,
    split_column: str | None = None,
    as_classes: bool | None = None,
    schema: Schema | None = None,
) -> Examples:
    """path: a file (text and JSON lines also as gzip), a glob, or a list of these. delimiter, encoding, bad_rows: of
    text; bad_rows of JSON lines too. group, time, split_column: as `split.by` says. as_classes: whether the target
    names classes; None for the rule of `task_of`. schema: of the table that a run was trained on. Raises ValueError.
    """
    settings = Settings(
        *(target, types, ignore, weight, decimal, dates, rare_classes, group, time, split_column, as_classes, schema)
    )
    options = ReadOptions(delimiter, encoding, bad_rows)
    return examples_of_files(lambda files: read_files(format, files, options), path, val_path, test_path, settings)
