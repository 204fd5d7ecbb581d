"""`mlcli doctor`: checks of the installation."""

from dataclasses import asdict

import typer

from mlcli.cli.errors import user_errors
from mlcli.cli.options import AsJson, Outputs


def doctor(as_json: AsJson = False, outputs: Outputs = None) -> None:
    """Check versions, device, configs and the MLflow store; exit status 1 if anything is wrong."""
    from mlcli.cli.output import outputs_folder, print_json, print_table
    from mlcli.run.doctor import examine
    from mlcli.track.console import print_message

    with user_errors():
        findings = examine(outputs_folder(outputs), lambda name: print_message(f"checking {name} …"))
        if as_json:
            print_json([asdict(finding) for finding in findings])
        else:
            rows = [(each.check, "ok" if each.ok else "WRONG", each.detail) for each in findings]
            print_table(("check", "result", "detail"), rows)
        if not all(finding.ok for finding in findings):
            raise typer.Exit(1)
