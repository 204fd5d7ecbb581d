"""Options that several commands share."""

import os
from pathlib import Path
from typing import Annotated, TypeVar

import typer

AnyPath = TypeVar("AnyPath", Path, str)


def expanded(path: AnyPath | None) -> AnyPath | None:
    """`~` as the shell expands it, which leaves it in `--output=~/x` and within quotes."""
    return None if path is None else type(path)(os.path.expanduser(path))  # noqa: PTH111  # pathlib fails for ~nobody


Outputs = Annotated[
    Path | None,
    typer.Option(
        "--outputs", callback=expanded, help="The folder of the runs; default $MLCLI_OUTPUTS, else `outputs`."
    ),
]

ConfigDir = Annotated[
    str | None,
    typer.Option(
        "--config-dir",
        callback=expanded,
        help="A folder of your own configs, as for train; what they name is trusted.",
    ),
]
