"""`mlcli serve`: a run's predictions over HTTP."""

from typing import Annotated

import typer

from mlcli.cli.errors import user_errors
from mlcli.cli.options import ConfigDir, Outputs


def serve(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A folder, id, unique prefix of an id, name, or `last`.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 picks a free one.")] = 5001,
    outputs: Outputs = None,
    config_dir: ConfigDir = None,
) -> None:
    """Serve a run's predictions over HTTP on this machine, in the formats of MLflow's scoring server; Ctrl-C stops
    it."""
    from mlcli.cli.output import outputs_folder
    from mlcli.run.user_configs import add_configs
    from mlcli.serve.server import serve_run
    from mlcli.store.find import find_run

    with user_errors():
        add_configs(config_dir)
        serve_run(find_run(run, outputs_folder(outputs)).folder.path, port)
