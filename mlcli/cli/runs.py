"""`mlcli runs`: a list of runs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlcli.cli.errors import user_errors
from mlcli.cli.options import AsJson, Outputs

if TYPE_CHECKING:
    from mlcli.store.query import Listing


def runs(
    filters: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILTER",
            help="Part of a name, id or command, or KEY=VALUE: an option of a group (model=svm), a setting "
            "(optimizer.lr=0.01, lr=0.01) or a status. Several values of one key are alternatives.",
        ),
    ] = None,
    sort: Annotated[
        str, typer.Option(help="started, seconds, a metric or a setting; a leading - reverses.")
    ] = "started",
    limit: Annotated[int, typer.Option("-n", "--limit", min=0, help="Maximum number of runs; 0 for all.")] = 20,
    as_json: AsJson = False,
    outputs: Outputs = None,
) -> None:
    """List runs, newest first.

    Examples:

      mlcli runs model=lstm status=FINISHED

      mlcli runs --sort test/accuracy
    """
    from mlcli.cli.output import outputs_folder, print_json
    from mlcli.store.query import listing

    with user_errors():
        found = listing(outputs_folder(outputs), filters or [], sort)
        shown = found.rows[:limit] if limit else found.rows
        if as_json:
            print_json(shown)
        elif shown:
            _print(found, len(shown), sort)
        else:
            print(_no_runs(outputs_folder(outputs), bool(filters)), file=sys.stderr)


def _print(found: "Listing", count: int, sort: str) -> None:
    from mlcli.cli.output import headline, print_table, terminal_width
    from mlcli.cli.times import ago, moment
    from mlcli.store.stored_run import short_id

    rows = found.rows[:count]
    metrics = headline(row["metrics"] for row in rows)
    shown = {name: [row["metrics"].get(name) for row in rows] for name in metrics}
    columns: dict[str, list[Any]] = {
        "run": [short_id(row["id"]) for row in rows],
        "name": [row["name"] for row in rows],
        "status": [row["status"] + (f" on {row['host']}" if row["host"] else "") for row in rows],
        "started": [(ago if terminal_width() else moment)(row["started"]) for row in rows],
    }
    if found.column not in columns:
        columns[found.column] = found.values[:count]
        shown.pop(found.column, None)
    optional = [*list(shown)[:0:-1], "started", *list(shown)[:1]]
    print_table(
        [*columns, *shown],
        list(zip(*columns.values(), *shown.values(), strict=True)),
        optional=[name for name in optional if name != found.column or sort == "started"],
        cut=("name",),
    )
    if count < len(found.rows):
        print(f"{count} of {len(found.rows):,} runs; use -n 0 for all of them", file=sys.stderr)


def _no_runs(outputs: Path, filtered: bool) -> str:
    """Why the list is empty, and what to use instead."""
    if filtered:
        return f"no run under {outputs} matches: use `mlcli runs` for all of them, or --outputs FOLDER for others"
    return f"there is no run under {outputs}: use `mlcli train` first, or --outputs FOLDER"
