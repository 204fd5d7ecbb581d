"""mlcli crossval: k-fold cross-validation."""

from typing import Annotated

import typer


def crossval(
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[OVERRIDES]...")] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Errors only.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Every epoch, and where things go.")] = False,
) -> None:
    """Cross-validate one network, or compare several on the same folds.

    OVERRIDES are those of `mlcli train`; values with commas are compared. Besides: folds=5, repeats=1 (folds drawn
    anew each time), by=example|group|class|time (what is divided), metric=test/… (what is compared). All that is not
    in a fold is trained on, and the last epoch counts; split.val=0.2 holds some of it out to choose the best epoch.

    Examples:

      mlcli crossval data=breast_cancer model=mlp folds=10

      mlcli crossval model=mlp,cnn,lstm folds=5 repeats=3
    """
    from mlcli.cli.cross_validation import main

    main([*(arguments or []), *["-q"] * quiet, *["-v"] * verbose])
