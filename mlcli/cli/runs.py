"""`mlcli runs`: a list of runs."""

import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from mlcli.cli.errors import user_errors
from mlcli.cli.options import Outputs


def runs(
    filters: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILTER]...", help="Part of a name, id or command, or KEY=VALUE of a setting."),
    ] = None,
    sort: Annotated[str, typer.Option(help="A metric, or `started`; a leading - reverses.")] = "started",
    limit: Annotated[int, typer.Option("-n", "--limit", min=0, help="Maximum number of runs; 0 for all.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with every metric.")] = False,
    outputs: Outputs = None,
) -> None:
    """List runs, newest first.

    Examples:

      mlcli runs model=lstm status=FINISHED

      mlcli runs --sort test/accuracy
    """
    from mlcli.cli.output import headline, outputs_folder, print_table, short_id
    from mlcli.store.query import query

    with user_errors():
        rows = query(outputs_folder(outputs), filters or [], sort)
        rows = rows[:limit] if limit else rows
        if as_json:
            print(json.dumps(rows, indent=1))
            return
        if not rows:
            print(_no_runs(outputs_folder(outputs), bool(filters)), file=sys.stderr)
            return
        shown = headline(row["metrics"] for row in rows)
        print_table(
            ("run", "name", "status", "started", *shown),
            [
                (
                    short_id(row["id"]),
                    row["name"],
                    row["status"] + (f" on {row['host']}" if row["host"] else ""),
                    time.strftime("%Y-%m-%d %H:%M", time.localtime(row["started"])),
                    *(row["metrics"].get(name) for name in shown),
                )
                for row in rows
            ],
        )


def _no_runs(outputs: Path, filtered: bool) -> str:
    """Why the list is empty, and what to use instead."""
    if filtered:
        return f"no run under {outputs} matches: use `mlcli runs` for all of them, or --outputs FOLDER for others"
    return f"there is no run under {outputs}: use `mlcli train` first, or --outputs FOLDER"
