"""A CSV of one's own: a table of text with a header, of any delimiter, encoding and number format."""

from collections.abc import Mapping, Sequence
from typing import Literal

from mlcli.loading.dataset import Examples
from mlcli.loading.table.bytes import stem
from mlcli.loading.table.examples import Settings, make_examples
from mlcli.loading.table.read import ReadOptions, TextTable, read_table
from mlcli.loading.table.schema import Schema


def csv(
    path: str | Sequence[str] | None = None,
    target: str | Sequence[str] | None = None,
    types: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    weight: str | None = None,
    val_path: str | Sequence[str] | None = None,
    test_path: str | Sequence[str] | None = None,
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
    """path: a file (plain or gzip), a glob, or a list of these. group, time, split_column: as `split.by` says.
    as_classes: whether the target names classes; None for the rule of `task_of`. schema: of the table that a run was
    trained on. Raises ValueError in one line."""
    options = ReadOptions(delimiter, encoding, bad_rows)

    def read(files: str | Sequence[str]) -> TextTable:
        return read_table(files, options)

    table = read_table(path, options)
    settings = Settings(
        *(target, types, ignore, weight, decimal, dates, rare_classes, group, time, split_column, as_classes)
    )
    return make_examples(
        read,
        table,
        settings,
        name=stem(table.files[0]),
        source=str(path) if isinstance(path, str) else ", ".join(map(str, table.files)),
        val_path=val_path,
        test_path=test_path,
        schema=schema,
    )
