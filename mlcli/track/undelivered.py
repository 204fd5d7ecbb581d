"""Runs that were not delivered because of a kill or an outage, or that the store has lost."""

from collections.abc import Iterator
from pathlib import Path

from mlcli.files import passes_a_link
from mlcli.store.records import try_read_json
from mlcli.store.status import is_running, record_path
from mlcli.track import event_log
from mlcli.track.delivery import Delivery
from mlcli.track.event_log import EventLog
from mlcli.track.late_updates import STATE
from mlcli.track.mlflow_store import Store


def undelivered_runs(outputs: Path, store: Store) -> Iterator[Path]:
    """Folders of undelivered runs that have ended, according to their record or because their process is gone."""
    for folder in run_folders(outputs):
        complete = (try_read_json(folder / STATE) or {}).get("complete")
        if complete and (try_read_json(folder / event_log.STATE) or {"complete": True})["complete"]:
            continue
        record = try_read_json(record_path(folder))
        pending = Delivery(folder, store).is_pending() or EventLog(folder).is_pending()
        if record and not is_running(record, folder) and pending:
            yield folder


def run_folders(outputs: Path) -> Iterator[Path]:
    """The folders of all runs, sweeps first."""
    for pattern in ("sweeps/*/sweep.json", "runs/*/run.json", "sweeps/*/*/run.json"):
        for path in sorted(outputs.glob(pattern)):
            if not passes_a_link(path, outputs):
                yield path.parent


def reset_missing_runs(outputs: Path, store: Store) -> None:
    """Marks delivered runs that the store no longer has as undelivered. Raises what the store raises."""
    delivered: dict[str, Path] = {}
    experiments: set[str] = set()
    for folder in run_folders(outputs):
        state, record = try_read_json(folder / STATE), try_read_json(record_path(folder))
        if state and record and state["complete"] and "run_id" in state and state["uri"] == store.address:
            delivered[state["run_id"]] = folder
            experiments.add(record.get("tracking", {}).get("experiment", ""))
    if delivered:
        for run_id in store.missing(list(delivered), experiments):
            Delivery(delivered[run_id], store).reset()
