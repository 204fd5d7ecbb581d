"""`mlcli logs`: the log of a run."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlcli.cli.errors import user_errors
from mlcli.cli.options import Outputs

if TYPE_CHECKING:
    from mlcli.store.stored_run import StoredRun


def logs(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A folder, id, unique prefix of an id, name, or `last`.")
    ] = "last",
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Print new lines until the run ends.")] = False,
    lines: Annotated[
        int | None, typer.Option("-n", "--lines", min=0, help="Only the last N lines of each log; default all.")
    ] = None,
    outputs: Outputs = None,
) -> None:
    """Print the log of a run: its warnings and tracebacks. That of a sweep includes its trials'."""
    from mlcli.cli.output import outputs_folder, write
    from mlcli.store.find import find
    from mlcli.store.stored_run import read_run
    from mlcli.store.train_log import read_logs

    with user_errors():
        found = find(run, outputs_folder(outputs))
        again = (lambda: read_run(found.folder.path) or found) if follow else None
        shown: Path | None = None
        for path, part in read_logs(found, lines, again):
            if path != shown and (found.is_sweep or path.parent != found.folder.path):
                write(f"{chr(10) * bool(shown)}==> {path.relative_to(found.folder.path.parent)} <==\n")
            shown = path
            write(part)
        if shown is None:
            print(_why_empty(found), file=sys.stderr)


def _why_empty(found: "StoredRun") -> str:
    from mlcli.config.printable import in_a_line

    reason = f"; it is {found.status}: {found.record['reason']}" if found.record.get("reason") else ""
    return in_a_line(f"{found.id} has logged nothing: no warning, and no traceback{reason}")
