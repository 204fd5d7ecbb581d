"""mlcli compare: runs side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlcli.cli.errors import user_errors
from mlcli.cli.options import AsJson, Outputs, expanded

if TYPE_CHECKING:
    from mlcli.store.stored_run import StoredRun


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN", help="Two or more runs, one sweep, or filters as for `mlcli runs`, such as model=mlp."
        ),
    ],
    metric: Annotated[str, typer.Option(help="The metric whose curves are overlaid.")] = "val/loss",
    output: Annotated[Path, typer.Option("-o", "--output", callback=expanded, help="File of the figure.")] = Path(
        "compare.png"
    ),
    as_json: AsJson = False,
    outputs: Outputs = None,
) -> None:
    """Compare runs: settings that differ, metrics (* marks the best), and curves as a PNG."""
    from mlcli.cli.output import outputs_folder, print_json, print_line
    from mlcli.cli.side_by_side import print_comparison
    from mlcli.config.errors import ConfigError
    from mlcli.run.plots import save_comparison
    from mlcli.store.compare import problem, runs_to_compare
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
        if as_json:
            print_json(_document(found) | {"figure": str(figure)})
            return
        print_comparison(found)
        print_line(f"curves in {figure}")


def _document(runs: "list[StoredRun]") -> dict[str, Any]:
    """The comparison as plain data, with a value for each run."""
    from mlcli.store.compare import ABSENT, best, differences, metrics
    from mlcli.store.query import row

    settings = {key: [None if v == ABSENT else v for v in values] for key, values in differences(runs).items()}
    stars = {name: [runs[place].id for place in sorted(places)] for name, places in best(runs).items()}
    return {"runs": [row(run) for run in runs], "settings": settings, "metrics": metrics(runs), "best": stars}
