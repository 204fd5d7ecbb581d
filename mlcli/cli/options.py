"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Outputs = Annotated[
    Path | None,
    typer.Option("--outputs", help="The folder of the runs; default $MLCLI_OUTPUTS, else `outputs`."),
]
