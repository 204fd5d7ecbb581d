"""Options that several commands share."""

import os
from pathlib import Path
from typing import Annotated, TypeVar

import typer

AnyPath = TypeVar("AnyPath", Path, str)


def expanded(path: AnyPath | None) -> AnyPath | None:
    """Expands `~`, which the shell does not do in `--output=~/x` and within quotes."""
    return None if path is None else type(path)(os.path.expanduser(path))


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
        help="A folder with your own configs, as for train; the code that they name is trusted.",
    ),
]

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
