"""`mlcli sync`: brings MLflow up to date with the run folders."""

from typing import Annotated

import typer

from mlcli.cli.errors import RunFailure, user_errors
from mlcli.cli.options import AsJson, Outputs


def sync(
    uri: Annotated[str | None, typer.Option(help="Tracking URI of MLflow; default as for train.")] = None,
    experiment: Annotated[str | None, typer.Option(help="The MLflow experiment; default as for train.")] = None,
    as_json: AsJson = False,
    outputs: Outputs = None,
) -> None:
    """Bring MLflow up to date with the run folders: deliver what it has not received."""
    from mlcli.cli.output import outputs_folder, print_json
    from mlcli.config.errors import ConfigError
    from mlcli.config.redact import redact
    from mlcli.track.courier_handle import start_courier
    from mlcli.track.tracking import default_experiment, tracking_uri

    with user_errors():
        folder = outputs_folder(outputs)
        if not folder.is_dir():
            raise ConfigError(f"There is no run under {folder}: use `mlcli train` first, or --outputs FOLDER.")
        store, name = tracking_uri(uri), experiment or default_experiment()
        courier = start_courier(folder, store, name, check=True)
        problem = courier.finish()
        if problem:
            raise RunFailure(problem)
        if as_json:
            print_json({"complete": True, "uri": redact(store), "experiment": name, "outputs": str(folder)})
        else:
            print("MLflow is up to date")
