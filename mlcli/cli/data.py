"""`mlcli data`: what a table of one's own holds, as a run would read it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from mlcli.cli.errors import user_errors
from mlcli.cli.options import AsJson, expanded

MOST_CLASSES = 20  # that are listed
MOST_LEVELS = 3  # of a column
LONGEST_TEXT = 40  # characters


def data(
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH",
            callback=expanded,
            help="A CSV, Parquet, Arrow or JSON lines file, a glob, or a database as env:NAME.",
        ),
    ],
    settings: Annotated[
        list[str] | None,
        typer.Argument(metavar="SETTINGS", help="data.KEY=VALUE and split.by=…, as for train."),
    ] = None,
    as_json: AsJson = False,
    html: Annotated[
        Path | None, typer.Option(callback=expanded, help="File of a report as a web page; needs skrub.")
    ] = None,
) -> None:
    """Describe a table of your own: kinds of columns, gaps, and what looks wrong.

    Each column has the kind that a run would give it, and the reason. Nothing is trained.

    Examples:

      mlcli data houses.csv

      mlcli data houses.csv data.target=price 'data.types={zip: category}'
    """
    from mlcli.cli.output import print_json, print_line
    from mlcli.config.errors import writing
    from mlcli.run.describe_table import OwnTable

    with user_errors():
        table = OwnTable(path, settings or [])
        found = table.describe().to_json()
        if html is not None:
            page = table.html()
            with writing(html):
                html.write_text(page, encoding="utf-8")
        if as_json:
            print_json(found)
            return
        print_description(found)
        if html is not None:
            print_line(f"report in {html}")


def print_description(found: dict[str, Any]) -> None:
    """Prints the columns, the classes of the target, then what the reader guessed and what looks wrong. found: of
    `mlcli.loading.table.describe`, as plain data."""
    from mlcli.cli.output import print_line, print_table

    title = f"{', '.join(found['files'])}: {found['rows']:,} rows, {len(found['columns'])} columns"
    rows = [
        (each["name"], _kind(each), each["missing"] or "", _values(each), each["reason"]) for each in found["columns"]
    ]
    print_table(("column", "kind", "missing", "values", "reason"), rows, title, cut=("column", "values"))
    _print_target(found)
    for note in found["notes"]:
        print_line(f"guess: {note}")
    for warning in found["warnings"]:
        print_line(f"warning: {warning['message']}")


def _print_target(found: dict[str, Any]) -> None:
    from mlcli.cli.output import print_line, print_table

    target, task, balance = found["target"], found["task"], found["balance"]
    if target is None:
        print_line("no target: data.target=COLUMN shows its classes, and columns that give it away")
    elif not balance:
        print_line(f"{target}: numbers, so task={task}")
    else:
        total = max(sum(count for _, count in balance), 1)
        rows = [(name, count, f"{count / total:.1%}") for name, count in balance[:MOST_CLASSES]]
        print_table(("class", "rows", "share"), rows, f"{target}: {len(balance)} classes, so task={task}")
        if len(balance) > MOST_CLASSES:
            print_line(f"… {len(balance) - MOST_CLASSES:,} more classes")


def _kind(column: dict[str, Any]) -> str:
    is_plain = column["role"] in ("input", "left out")
    return str(column["kind"]) if is_plain else f"{column['kind']} ({column['role']})"


def _values(column: dict[str, Any]) -> str:
    """The range of numbers and dates; else the most frequent texts."""
    if column["range"] is not None:
        return " … ".join(map(_short, column["range"]))
    shown = column["frequent"][:MOST_LEVELS]
    texts = ", ".join(f"{_cut(text)} ({count:,})" for text, count in shown)
    rest = column["distinct"] - len(shown)
    return f"{texts}, {rest:,} more" if rest > 0 else texts


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"


def _short(value: Any) -> str:
    """Whole numbers as they are, other ones in few digits."""
    from mlcli.cli.output import format_number

    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return str(int(value)) if is_whole else format_number(value)
