"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Outputs = Annotated[
    Path | None,
    typer.Option("--outputs", help="The folder of the runs; default $MLCLI_OUTPUTS, else `outputs`."),
]

ConfigDir = Annotated[
    str | None,
    typer.Option("--config-dir", help="A folder of your own configs, as for train; what they name is trusted."),
]
