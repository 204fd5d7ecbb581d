"""`mlcli evaluate`: evaluates a finished run on its test split, or on other data."""

from pathlib import Path
from typing import Annotated

import typer

from mlcli.cli.errors import user_errors
from mlcli.cli.options import AsJson, ConfigDir, Outputs, expanded


def evaluate(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A folder, id, unique prefix of an id, name, or `last`.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="OVERRIDE", help="Other data: data=… and data.key=value, split.…")
    ] = None,
    split: Annotated[str | None, typer.Option(help="train, val or test; by default test, if there is one.")] = None,
    save: Annotated[
        Path | None, typer.Option(callback=expanded, help="A folder for figures and predictions.")
    ] = None,
    as_json: AsJson = False,
    changed_data: Annotated[
        bool, typer.Option("--changed-data", help="Allow data that has changed since the training.")
    ] = False,
    outputs: Outputs = None,
    config_dir: ConfigDir = None,
) -> None:
    """Evaluate a finished run with its best weights."""
    from mlcli.cli.output import format_number, outputs_folder, print_json, print_table
    from mlcli.run.evaluate import evaluate_run
    from mlcli.run.user_configs import add_configs

    with user_errors():
        add_configs(config_dir)
        metrics = evaluate_run(run, outputs_folder(outputs), overrides or [], split, save, changed_data, config_dir)
        if as_json:
            print_json(metrics)
        else:
            print_table(
                ("metric", "value"), [(name, format_number(value)) for name, value in sorted(metrics.items())]
            )
