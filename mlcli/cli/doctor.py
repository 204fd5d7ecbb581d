"""`mlcli doctor`: checks of the installation."""

import typer

from mlcli.cli.errors import user_errors
from mlcli.cli.options import Outputs


def doctor(outputs: Outputs = None) -> None:
    """Check versions, device, configs and the MLflow store; exit status 1 if anything is wrong."""
    from mlcli.cli.output import outputs_folder, print_table
    from mlcli.run.doctor import examine

    with user_errors():
        findings = examine(outputs_folder(outputs))
        print_table(("check", "result", "detail"), [(f.check, "ok" if f.ok else "WRONG", f.detail) for f in findings])
        if not all(finding.ok for finding in findings):
            raise typer.Exit(1)
