"""`mlcli crossval`: k-fold cross-validation."""

from typing import Annotated

import typer

from mlcli.cli.options import AsJson


def crossval(
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
    """Cross-validate a model, or compare several on the same folds.

    Overrides are those of `mlcli train`; comma-separated values are compared. In addition: folds=5, repeats=1 (each
    with a new split), by=example|group|class|time (the unit of the split), metric=test/… (the metric to compare). By
    default all examples outside of the test fold are trained on and the last epoch counts; split.val=0.2 holds out
    validation data to choose the best epoch.

    Examples:

      mlcli crossval data=breast_cancer model=mlp folds=10

      mlcli crossval model=mlp,cnn,lstm folds=5 repeats=3
    """
    from mlcli.cli.cross_validation import main

    main([*(arguments or []), *["-q"] * quiet, *["-v"] * verbose, *["--dry-run"] * dry_run, *["--json"] * as_json])
