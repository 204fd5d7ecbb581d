"""`mlcli export`: writes a run's model for other programs."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mlcli.cli.errors import user_errors
from mlcli.cli.options import ConfigDir, Outputs, expanded


class Format(StrEnum):
    MLFLOW = "mlflow"


def export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A folder, id, unique prefix of an id, name, or `last`.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", callback=expanded, help="The new folder; default RUN-mlflow."),
    ] = None,
    format: Annotated[Format, typer.Option("--format", help="mlflow: an MLflow model.")] = Format.MLFLOW,
    outputs: Outputs = None,
    config_dir: ConfigDir = None,
) -> None:
    """Write a run's model with all the code that it needs, so that it can be used without mlcli: by
    `mlflow models serve -m FOLDER`, or `mlflow.pyfunc.load_model("FOLDER")`."""
    from mlcli.cli.output import outputs_folder
    from mlcli.run.user_configs import add_configs
    from mlcli.serve.export import export_mlflow
    from mlcli.store.find import find_run
    from mlcli.track.console import print_message

    with user_errors():
        add_configs(config_dir)
        found = find_run(run, outputs_folder(outputs))
        target = output or Path(f"{found.id.replace('/', '-')}-{format}")
        missing = export_mlflow(found.folder.path, target)
        if missing:
            names = ", ".join(missing)
            print_message(f"to load it, the modules {names} must be importable: they are in no package registry")
        print(target)
