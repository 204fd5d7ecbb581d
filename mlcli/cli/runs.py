"""mlcli runs: the runs there are."""

import json
import time
from typing import Annotated

import typer

from mlcli.cli.errors import user_errors


def runs(
    filters: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILTER]...", help="Words to find, or key=value of config or record."),
    ] = None,
    sort: Annotated[str, typer.Option(help="A metric, or `started`; a leading - reverses.")] = "started",
    limit: Annotated[int, typer.Option("-n", "--limit", help="At most so many; 0 for all.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with every metric.")] = False,
) -> None:
    """List runs, newest first.

    Examples:

      mlcli runs model=lstm status=FINISHED

      mlcli runs --sort test/accuracy
    """
    from mlcli.cli.output import headline, outputs_folder, short, table
    from mlcli.run.query import query

    with user_errors():
        rows = query(outputs_folder(), filters or [], sort)
        rows = rows[:limit] if limit else rows
        if as_json:
            print(json.dumps(rows, indent=1))
            return
        shown = headline(row["metrics"] for row in rows)
        table(
            ("run", "name", "status", "started", *shown),
            [
                (
                    short(row["id"]),
                    row["name"],
                    row["status"],
                    time.strftime("%Y-%m-%d %H:%M", time.localtime(row["started"])),
                    *(row["metrics"].get(name) for name in shown),
                )
                for row in rows
            ],
        )
