"""Writes what is new of many runs directly into the tables of a local MLflow store, in one transaction.

MLflow's client takes a dozen calls per run, each with a commit, and must be imported first. The rows are those that
the client writes, which a test verifies. Every write may be repeated.
"""

import os
import shutil
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from mlcli.files import plain_files
from mlcli.track.mlflow_model import model_files, write_model
from mlcli.track.mlflow_names import KIND, MAX_TEXT, data_set_of, tidy
from mlcli.track.model_code import Code

BUSY_TIMEOUT = 5.0  # seconds that SQLite waits for another writer
# Updates of existing rows; rows of other tables stay as they are. MLflow's latest value of a metric is the one with
# the highest step, then the latest time.
ON_CONFLICT = {
    "runs": "(run_uuid) DO UPDATE SET status = excluded.status, end_time = excluded.end_time",
    "logged_models": "(model_id) DO UPDATE SET status = excluded.status",
    "tags": "(key, run_uuid) DO UPDATE SET value = excluded.value",
    "latest_metrics": "(key, run_uuid) DO UPDATE SET value = excluded.value, timestamp = excluded.timestamp, "
    "step = excluded.step WHERE (excluded.step, excluded.timestamp) >= (step, timestamp)",
}
Row = dict[str, Any]
Rows = dict[str, list[Row]]  # by table


@dataclass
class RunUpdate:
    """What is new of a run. Times are in seconds; `lines` are those of its journal."""

    folder: Path
    run_id: str
    model_id: str
    experiment: str
    status: str
    started: float
    ended: float | None
    tags: dict[str, str]
    params: dict[str, Any]
    lines: list[dict[str, Any]]
    data: Sequence[dict[str, Any]] = ()
    files: Sequence[Path] = field(default_factory=list)
    has_model: bool = False
    code: Code = "none"  # in the model
    cuts: int = 0  # how often lines were cut from the journal
    replaces_metrics: bool = False  # lines are the whole journal, and rows of others are removed


@contextmanager
def _opened(database: Path) -> Iterator[sqlite3.Connection]:
    """A connection with an open transaction, which is rolled back on an error."""
    with closing(sqlite3.connect(database, timeout=BUSY_TIMEOUT, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            yield connection


def lifecycle_stages(database: Path, run_ids: Iterable[str]) -> dict[str, str]:
    """By run id: "active", or "deleted" by the user; without runs that are not in the store."""
    wanted = list(run_ids)
    marks = ", ".join("?" * len(wanted))
    with closing(sqlite3.connect(database, timeout=BUSY_TIMEOUT)) as connection:
        return dict(
            connection.execute(f"SELECT run_uuid, lifecycle_stage FROM runs WHERE run_uuid IN ({marks})", wanted)
        )


def write(database: Path, artifacts: str, updates: Sequence[RunUpdate]) -> None:
    """Writes the artifacts, then the rows. artifacts: URI of the artifacts of a new experiment.

    Raises OSError or sqlite3.Error, with no row written.
    """
    with _opened(database) as connection:
        experiments = {
            name: _experiment(connection, name, artifacts) for name in {each.experiment for each in updates}
        }
    rows: Rows = {}
    for each in updates:
        experiment_id, root = experiments[each.experiment]
        _copy_files(each, _local(root) / each.run_id / "artifacts")
        _add_run(rows, each, experiment_id, root)
        _add_metrics(rows, each)
        if each.has_model:
            _add_model(rows, each, experiment_id, root)
    with _opened(database) as connection:
        for each in updates:
            for table in ("metrics", "latest_metrics") if each.replaces_metrics else ():
                connection.execute(f"DELETE FROM {table} WHERE run_uuid = ?", (each.run_id,))
        for table, added in rows.items():
            _insert(connection, table, added)
        for each in updates:
            for data in each.data:
                _add_data_set(connection, each, data, experiments[each.experiment][0])


def add_files(database: Path, run_id: str, folder: Path, name: str) -> None:
    """Adds the files of a folder to a run's artifacts under this name, except existing ones."""
    with closing(sqlite3.connect(database, timeout=BUSY_TIMEOUT)) as connection:
        (uri,) = connection.execute("SELECT artifact_uri FROM runs WHERE run_uuid = ?", (run_id,)).fetchone()
    target = _local(uri) / name
    target.mkdir(parents=True, exist_ok=True)
    for path in plain_files(folder):
        _link(path, target / path.name)


def complete_model(database: Path, run_id: str, model_id: str, folder: Path, code: Code) -> None:
    """Adds the code to a model in the store. folder: the run's `model` folder."""
    with closing(sqlite3.connect(database, timeout=BUSY_TIMEOUT)) as connection:
        known = "SELECT artifact_location FROM logged_models WHERE model_id = ?"
        (location,) = connection.execute(known, (model_id,)).fetchone()
    write_model(folder, _local(location), code, run_id, model_id, location)


def _insert(connection: sqlite3.Connection, table: str, rows: Sequence[Row]) -> None:
    if rows:
        names = list(rows[0])
        columns, marks = ", ".join(names), ", ".join(f":{name}" for name in names)
        update = ON_CONFLICT.get(table, "DO NOTHING")
        connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT {update}", rows)


def _experiment(connection: sqlite3.Connection, name: str, artifacts: str) -> tuple[int, str]:
    """The id and artifact location of the experiment, which is created if missing. Raises ValueError if it is
    deleted."""
    known = "SELECT experiment_id, artifact_location, lifecycle_stage FROM experiments WHERE name = ?"
    found = connection.execute(known, (name,)).fetchone()
    if found is None:
        now = int(time.time() * 1000)
        own = {"name": name, "artifact_location": artifacts, "lifecycle_stage": "active"}
        _insert(connection, "experiments", [own | {"creation_time": now, "last_update_time": now}])
        found = connection.execute(known, (name,)).fetchone()
        tags = [{"experiment_id": found[0], "key": key, "value": value} for key, value in KIND.items()]
        _insert(connection, "experiment_tags", tags)
    experiment_id, location, stage = found
    if stage != "active":
        raise ValueError(f"the experiment {name} was deleted in MLflow: use tracking.experiment=…, or restore it")
    return experiment_id, location


def _add_run(rows: Rows, update: RunUpdate, experiment_id: int, root: str) -> None:
    own = {
        "run_uuid": update.run_id,
        "name": update.tags["mlflow.runName"],
        "source_type": "UNKNOWN",
        "source_name": "",
        "entry_point_name": "",
        "source_version": "",
        "user_id": update.tags.get("mlflow.user", "unknown"),
        "status": update.status,
        "start_time": int(update.started * 1000),
        "end_time": None if update.ended is None else int(update.ended * 1000),
        "lifecycle_stage": "active",
        "artifact_uri": f"{root}/{update.run_id}/artifacts",
        "experiment_id": experiment_id,
    }
    rows.setdefault("runs", []).append(own)
    rows.setdefault("tags", []).extend(
        {"run_uuid": update.run_id, "key": key, "value": text} for key, text in update.tags.items()
    )
    params = {tidy(key): str(value)[:MAX_TEXT] for key, value in update.params.items()}
    rows.setdefault("params", []).extend(
        {"run_uuid": update.run_id, "key": key, "value": text} for key, text in params.items()
    )


def _add_metrics(rows: Rows, update: RunUpdate) -> None:
    made = [
        {"run_uuid": update.run_id, "key": tidy(name), "value": value, "timestamp": int(line["time"] * 1000)}
        | {"step": line["epoch"], "is_nan": False}
        for line in update.lines
        for name, value in line["metrics"].items()
    ]
    rows.setdefault("metrics", []).extend(made)
    latest: dict[str, Row] = {}
    for row in made:
        known = latest.get(row["key"])
        if known is None or (row["step"], row["timestamp"]) >= (known["step"], known["timestamp"]):
            latest[row["key"]] = row
    rows.setdefault("latest_metrics", []).extend(latest.values())


def _add_model(rows: Rows, update: RunUpdate, experiment_id: int, root: str) -> None:
    location = f"{root}/models/{update.model_id}/artifacts"
    target = _local(location)
    (target / "data").mkdir(parents=True, exist_ok=True)
    write_model(update.folder / "model", target, update.code, update.run_id, update.model_id, location)
    for path in model_files(update.folder / "model"):
        _link(path, target / "data" / path.name)
    now = int(time.time() * 1000)
    own = {
        "model_id": update.model_id,
        "experiment_id": experiment_id,
        "name": "model",
        "artifact_location": location,
        "creation_timestamp_ms": now,
        "last_updated_timestamp_ms": now,
        "status": 2,  # ready
        "lifecycle_stage": "active",
        "source_run_id": update.run_id,
    }
    rows.setdefault("logged_models", []).append(own)
    link = {"source_type": "RUN_OUTPUT", "source_id": update.run_id, "destination_type": "MODEL_OUTPUT"}
    rows.setdefault("inputs", []).append(
        link | {"destination_id": update.model_id, "input_uuid": str(uuid.uuid4()), "step": 0}
    )


def _add_data_set(
    connection: sqlite3.Connection, update: RunUpdate, data: dict[str, Any], experiment_id: int
) -> None:
    """Links the run to the row of its data set; the runs of an experiment share one row per data set."""
    about = data_set_of(data)
    own = {
        "dataset_uuid": uuid.uuid4().hex,
        "experiment_id": experiment_id,
        "name": about["name"],
        "digest": about["digest"],
        "dataset_source_type": about["source_type"],
        "dataset_source": about["source"],
        "dataset_profile": about["profile"],
    }
    _insert(connection, "datasets", [own])
    key = "experiment_id = :experiment_id AND name = :name AND digest = :digest"
    (data_set,) = connection.execute(f"SELECT dataset_uuid FROM datasets WHERE {key}", own).fetchone()
    link = {
        "source_type": "DATASET",
        "source_id": data_set,
        "destination_type": "RUN",
        "destination_id": update.run_id,
    }
    if not _is_there(connection, "inputs", link):
        input_uuid = uuid.uuid4().hex
        _insert(connection, "inputs", [link | {"input_uuid": input_uuid}])
        _insert(
            connection,
            "input_tags",
            [{"input_uuid": input_uuid, "name": "mlflow.data.context", "value": "training"}],
        )


def _is_there(connection: sqlite3.Connection, table: str, row: Row) -> bool:
    key = " AND ".join(f"{name} = :{name}" for name in row)
    return connection.execute(f"SELECT 1 FROM {table} WHERE {key}", row).fetchone() is not None


def _copy_files(update: RunUpdate, target: Path) -> None:
    for folder in {path.parent for path in update.files}:
        (target / folder.relative_to(update.folder)).mkdir(parents=True, exist_ok=True)
    for path in update.files:
        _link(path, target / path.relative_to(update.folder))


def _link(path: Path, target: Path) -> None:
    """A hard link where the file system supports it, else a copy. mlcli replaces files and never modifies them, so a
    link cannot change later."""
    try:
        os.link(path, target, follow_symlinks=False)
    except FileExistsError:  # from an earlier attempt
        if not target.samefile(path):
            target.unlink()
            _link(path, target)
    except (OSError, NotImplementedError):  # the latter on Windows
        shutil.copyfile(path, target, follow_symlinks=False)


def _local(uri: str) -> Path:
    return Path(url2pathname(urlsplit(uri).path))
