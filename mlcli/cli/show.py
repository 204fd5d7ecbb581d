"""`mlcli show`: the details of one run."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from mlcli.cli.errors import user_errors
from mlcli.cli.options import Outputs

if TYPE_CHECKING:
    from mlcli.store.stored_run import StoredRun


def show(
    run: Annotated[str, typer.Argument(help="A folder, id, unique prefix of an id, name, or `last`.")] = "last",
    outputs: Outputs = None,
) -> None:
    """Show one run: status, config, metrics and files."""
    from mlcli.cli.output import outputs_folder
    from mlcli.cli.sweep_table import print_sweep
    from mlcli.store.find import find

    with user_errors():
        found = find(run, outputs_folder(outputs))
        _print_record(found)
        if found.damage:
            return
        if found.is_sweep and (found.folder.path / "trials.json").exists():
            print_sweep(str(found.folder.path))
        elif not found.is_sweep:
            _print_run(found)


def _print_record(found: "StoredRun") -> None:
    from mlcli.cli.output import print_line

    record = found.record
    host = f" on {found.host}, last known status" if found.host else ""
    print_line(f"{record['name']}  {found.status}{host}  {found.id}")
    print_line(f"  command  {record['command']}")
    print_line(f"  started  {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(record['started']))}")
    if reason := found.damage or record.get("reason"):
        print_line(f"  reason   {reason}")
    print_line(f"  folder   {found.folder.path}")


def _print_run(found: "StoredRun") -> None:
    from mlcli.cli.output import print_line, print_table
    from mlcli.store.query import flat_config, setting_text

    print_table(("setting", "value"), [(key, setting_text(value)) for key, value in flat_config(found).items()])
    print_table(("metric", "value"), sorted(found.metrics().items()))
    files = (found.folder.path / "figures").glob("*")
    figures = sorted(path.name for path in files if path.suffix in (".png", ".gif"))
    if figures:
        print_line(f"figures: {' '.join(figures)}")
