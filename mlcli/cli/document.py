"""A run or sweep as one JSON document: what `show --json` and `train --json` print."""

from pathlib import Path
from typing import Any

from mlcli.cli.output import print_json
from mlcli.store.query import row
from mlcli.store.records import try_read_json
from mlcli.store.stored_run import StoredRun, read_run

RECORDS = ("result", "environment", "data", "transfer")
OF_SWEEPS = ("trials", "crossval")


def document(run: StoredRun) -> dict[str, Any]:
    """The entries of `runs --json`, with config, the records of the folder, conclusion and figures."""
    found = row(run)
    if run.damage:
        return found
    path = run.folder.path
    found["config"] = run.folder.config() if (path / "config.yaml").exists() else {}
    found |= {name: try_read_json(path / f"{name}.json") for name in (OF_SWEEPS if run.is_sweep else RECORDS)}
    if run.is_sweep:  # the list of trials, beside the metric that they are ranked by
        report = found.pop("trials") or {}
        found |= {"trials": [], "groups": [], "monitor": None, "best_trial": None} | report
    found["conclusion"] = try_read_json(path / "answer.json")
    found["figures"] = sorted(str(each) for each in (path / "figures").glob("*.png"))
    return found


def print_document(folder: Path) -> None:
    """Prints the run or sweep in a folder."""
    run = read_run(folder)
    print_json(None if run is None else document(run))
