"""`mlcli ui`: MLflow's UI for the store of the runs."""

from typing import Annotated

import typer

from mlcli.cli.errors import user_errors
from mlcli.cli.options import Outputs


def ui(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 picks a free one.")] = 5000,
    uri: Annotated[str | None, typer.Option(help="Tracking URI of MLflow; default as for train.")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address only.")] = False,
    outputs: Outputs = None,
) -> None:
    """Start the MLflow UI and open the runs in it, in a browser if there is one; Ctrl-C stops it."""
    from mlcli.cli.output import outputs_folder
    from mlcli.track.ui import serve_ui

    with user_errors():
        serve_ui(outputs_folder(outputs), port, uri, browser=not no_browser)
