"""`mlcli train`: one run, or a sweep."""

from typing import Annotated

import typer

from mlcli.cli.options import AsJson


def train(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="OVERRIDE", help="GROUP=OPTION or KEY=VALUE, as in model=lstm optimizer.lr=0.01."),
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Errors only.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Every epoch, and the run folder.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, list what would be trained, and write nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train a model, or run a sweep with -m.

    Overrides select options of config groups and set values. Hydra's flags work too, such as -m (sweep), --cfg job
    (show the config), --config-dir DIR (your own options), --info and --resolve.

    Examples:

      mlcli train model=lstm

      mlcli train data=breast_cancer model=mlp optimizer.lr=1e-3 trainer.epochs=50

      mlcli train -m optimizer.lr=1e-3,1e-2 model=mlp,lstm
    """
    from mlcli.cli.training import main

    main([*(arguments or []), *["-q"] * quiet, *["-v"] * verbose, *["--dry-run"] * dry_run, *["--json"] * as_json])
