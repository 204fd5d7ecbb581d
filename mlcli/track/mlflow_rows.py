"""Many runs that have ended, into a local store at once: MLflow's own tables, one statement each, one transaction.

Through its client a run takes a dozen calls with a commit each, 90 ms; 64 trials of a sweep may have trained in less
than all of theirs. What is written is what the client writes; a test reads both back and compares.
"""

import os
import shutil
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from mlcli.track.mlflow_model import write_model
from mlcli.track.mlflow_store import MAX_TEXT, data_set_of, tidy

Rows = dict[str, list[dict[str, Any]]]


@dataclass
class WholeRun:
    """A run that has ended, and all there is to say about it. Times are in seconds; `lines` are its journal's."""

    folder: Path
    experiment_id: str
    status: str
    started: float
    ended: float
    tags: dict[str, str]
    params: dict[str, Any]
    lines: list[dict[str, Any]]
    data: dict[str, Any] | None
    files: Sequence[Path]
    has_model: bool
    run_id: str
    model_id: str


def write_runs(client: Any, runs: Sequence[WholeRun]) -> None:
    """Writes their files, then their rows: all or none. Raises whatever MLflow or SQLite raises."""
    from mlflow.store.tracking.dbmodels import models
    from sqlalchemy.dialects.sqlite import insert

    store = client._tracking_client.store
    roots = {each: client.get_experiment(each).artifact_location for each in {run.experiment_id for run in runs}}
    rows: Rows = {}
    for run in runs:
        root = roots[run.experiment_id]
        _copy_files(run, _local(root) / run.run_id / "artifacts")
        _add_run(rows, run, root)
        _add_metrics(rows, run)
        if run.has_model:
            _add_model(rows, run, root)
    with store.ManagedSessionMaker(read_only=False) as session:
        for table, added in rows.items():
            session.execute(insert(getattr(models, table)).on_conflict_do_nothing(), added)
        for run in runs:
            _add_data_set(session, models, run)


def _add_run(rows: Rows, run: WholeRun, root: str) -> None:
    own = {
        "run_uuid": run.run_id,
        "name": run.tags["mlflow.runName"],
        "source_type": "UNKNOWN",
        "source_name": "",
        "entry_point_name": "",
        "source_version": "",
        "user_id": run.tags.get("mlflow.user", "unknown"),
        "status": run.status,
        "start_time": int(run.started * 1000),
        "end_time": int(run.ended * 1000),
        "lifecycle_stage": "active",
        "artifact_uri": f"{root}/{run.run_id}/artifacts",
        "experiment_id": int(run.experiment_id),
    }
    rows.setdefault("SqlRun", []).append(own)
    rows.setdefault("SqlTag", []).extend(
        {"run_uuid": run.run_id, "key": key, "value": text} for key, text in run.tags.items()
    )
    params = {tidy(key): str(value)[:MAX_TEXT] for key, value in run.params.items()}
    rows.setdefault("SqlParam", []).extend(
        {"run_uuid": run.run_id, "key": key, "value": text} for key, text in params.items()
    )


def _add_metrics(rows: Rows, run: WholeRun) -> None:
    """The history, and of each metric what MLflow calls the latest: the highest step, then the latest time."""
    latest: dict[str, dict[str, Any]] = {}
    for line in run.lines:
        stamp = {
            "run_uuid": run.run_id,
            "timestamp": int(line["time"] * 1000),
            "step": line["epoch"],
            "is_nan": False,
        }
        for name, value in line["metrics"].items():
            row = stamp | {"key": tidy(name), "value": value}
            rows.setdefault("SqlMetric", []).append(row)
            known = latest.get(row["key"])
            if known is None or (row["step"], row["timestamp"]) >= (known["step"], known["timestamp"]):
                latest[row["key"]] = row
    rows.setdefault("SqlLatestMetric", []).extend(latest.values())


def _add_model(rows: Rows, run: WholeRun, root: str) -> None:
    location = f"{root}/models/{run.model_id}/artifacts"
    target = _local(location)
    target.mkdir(parents=True, exist_ok=True)
    write_model(run.folder / "model", target, run.run_id, run.model_id, location)
    (target / "data").mkdir(exist_ok=True)
    for path in (run.folder / "model").iterdir():
        _link(path, target / "data" / path.name)
    now = int(time.time() * 1000)
    own = {
        "model_id": run.model_id,
        "experiment_id": int(run.experiment_id),
        "name": "model",
        "artifact_location": location,
        "creation_timestamp_ms": now,
        "last_updated_timestamp_ms": now,
        "status": 2,  # ready
        "lifecycle_stage": "active",
        "source_run_id": run.run_id,
    }
    rows.setdefault("SqlLoggedModel", []).append(own)
    link = {"source_type": "RUN_OUTPUT", "source_id": run.run_id, "destination_type": "MODEL_OUTPUT"}
    rows.setdefault("SqlInput", []).append(
        link | {"destination_id": run.model_id, "input_uuid": str(uuid.uuid4()), "step": 0}
    )


def _add_data_set(session: Any, models: Any, run: WholeRun) -> None:
    """Links the run to the data set, which is there once for all runs of the experiment."""
    if run.data is None:
        return
    about = data_set_of(run.data)
    key = {"experiment_id": int(run.experiment_id), "name": about["name"], "digest": about["digest"]}
    found = session.query(models.SqlDataset).filter_by(**key).first()
    if found is None:
        found = models.SqlDataset(
            **key,
            dataset_uuid=uuid.uuid4().hex,
            dataset_source_type=about["source_type"],
            dataset_source=about["source"],
            dataset_profile=about["profile"],
        )
        session.add(found)
        session.flush()
    input_uuid = uuid.uuid4().hex
    link = {"source_type": "DATASET", "source_id": found.dataset_uuid, "destination_type": "RUN"}
    session.add(models.SqlInput(**link, destination_id=run.run_id, input_uuid=input_uuid))
    session.add(models.SqlInputTag(input_uuid=input_uuid, name="mlflow.data.context", value="training"))


def _copy_files(run: WholeRun, target: Path) -> None:
    for folder in {path.parent for path in run.files}:
        (target / folder.relative_to(run.folder)).mkdir(parents=True, exist_ok=True)
    for path in run.files:
        _link(path, target / path.relative_to(run.folder))


def _link(path: Path, there: Path) -> None:
    """The same file under a second name where the file system can: no copy of a thousand trials, in a third of the
    time. mlcli replaces files and never writes into them, so neither name sees the other change."""
    try:
        os.link(path, there)
    except FileExistsError:  # an earlier attempt came this far
        pass
    except OSError:
        shutil.copyfile(path, there)


def _local(uri: str) -> Path:
    return Path(unquote(urlsplit(uri).path))
