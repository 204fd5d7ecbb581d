"""mlcli compare: runs side by side."""

from pathlib import Path
from typing import Annotated

import typer

from mlcli.cli.errors import user_errors
from mlcli.cli.options import Outputs, expanded


def compare(
    runs: Annotated[list[str], typer.Argument(help="Two or more runs, or one sweep.")],
    metric: Annotated[str, typer.Option(help="The metric whose curves are overlaid.")] = "val/loss",
    output: Annotated[Path, typer.Option("-o", "--output", callback=expanded, help="File of the figure.")] = Path(
        "compare.png"
    ),
    outputs: Outputs = None,
) -> None:
    """Compare runs: settings that differ, metrics (* marks the best), and curves as a PNG."""
    from mlcli.cli.output import outputs_folder, print_line, print_table, short_id
    from mlcli.config.errors import ConfigError
    from mlcli.run.plots import save_comparison
    from mlcli.store.compare import best_marked, differences, problem, runs_to_compare
    from mlcli.track.console import print_message

    with user_errors():
        selected = runs_to_compare(runs, outputs_folder(outputs))
        left_out = {run.id: reason for run in selected if (reason := problem(run))}
        found = [run for run in selected if run.id not in left_out]
        if left_out and len(found) < 2:
            raise ConfigError(" ".join(f"{run}: {reason}." for run, reason in left_out.items()))
        for run, reason in left_out.items():
            print_message(f"left out: {run} ({reason})")
        if len(found) < 2:
            raise ConfigError("compare takes two or more runs: use their ids or names, see `mlcli runs`.")
        figure = save_comparison(found, metric, output)  # before any output, because it may fail
        names = [short_id(run.id) for run in found]
        print_table(("setting", *names), differences(found), title="settings that differ")
        print_table(("metric", *names), best_marked(found), title="metrics")
        print_line(f"curves in {figure}")
