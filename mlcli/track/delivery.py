"""The delivery of one run folder to MLflow: its content and its progress."""

import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlcli.config.stored import read_yaml
from mlcli.locks import try_lock
from mlcli.store.records import Damaged, flatten, read_json, read_lines, try_read_json, write_json
from mlcli.store.status import record_path
from mlcli.track.artifacts import artifacts
from mlcli.track.late_updates import STATE, update_trials
from mlcli.track.mlflow_names import MAX_TEXT, STATUS
from mlcli.track.mlflow_rows import RunUpdate
from mlcli.track.model_code import code_of
from mlcli.track.run_tags import tags_of
from mlcli.track.summary import summarise

if TYPE_CHECKING:
    from filelock import FileLock

    from mlcli.track.mlflow_store import Store

LOCK = ".courier.lock"


class Delivery:
    """Delivers one run or sweep, by MLflow's client (`advance`), or together with others directly into a local store
    (`next_update`, then `mark_delivered`).

    `.mlflow.json` in the folder records what has been delivered, so that a later courier can continue. A lock
    excludes a second courier from the folder. Every operation may be repeated.

    is_live: the process that started this courier trains the run.
    """

    def __init__(self, folder: Path, store: "Store", is_live: bool = False) -> None:
        self.folder = folder
        self.store = store
        self.is_live = is_live
        self.is_sweep = (folder / "sweep.json").exists()
        self.lock: FileLock | None = None
        self.state = self._read_state()
        self._read_until = 0  # offset in the journal, of the last update

    def _initial_state(self) -> dict[str, Any]:
        return {"uri": self.store.address, "offset": 0, "complete": False}

    def _read_state(self) -> dict[str, Any]:
        try:
            return dict(read_json(self.folder / STATE))
        except FileNotFoundError:
            return self._initial_state()
        except Damaged:  # e.g. by a power cut: the run may exist in MLflow
            return self._initial_state() | {"tried": True}

    def record(self) -> dict[str, Any]:
        return try_read_json(record_path(self.folder)) or {}

    def is_pending(self) -> bool:
        """Whether the run is tracked at this address and not delivered completely."""
        elsewhere = "run_id" in self.state and self.state["uri"] != self.store.address
        return not self.state["complete"] and not elsewhere and _is_tracked(self.record())

    def acquire(self) -> bool:
        """Locks the folder. False if there is nothing to deliver or another courier has the lock."""
        if not self.is_pending():
            return False
        self.lock = try_lock(self.folder / LOCK)
        if self.lock is None:
            return False
        # Read again: the previous owner of the lock may have changed it.
        self.state = self._read_state()
        if not self.is_pending():
            self.release()
            return False
        return True

    def reset(self) -> None:
        """Starts the delivery from the beginning, for a store that has lost the run."""
        self.lock = try_lock(self.folder / LOCK)
        if self.lock is not None:
            self.state = self._initial_state()
            self._save()
            self.release()

    def release(self) -> None:
        if self.lock:
            self.lock.release()

    def advance(self) -> None:
        """Delivers what is new; once the run has ended, everything. Raises what MLflow raises."""
        record = self.record()
        if not record or self._waits_for_sweep(record):
            return
        try:
            self._advance(record)
        except Exception as error:
            if self.store.unreachable(error) or "run_id" not in self.state:
                raise
            self._resolve_failure(record, error)

    def _advance(self, record: dict[str, Any]) -> None:
        if "run_id" not in self.state:
            self._create(record)
        if self.state.get("reopened"):
            self.store.reopen_run(self.state["run_id"])
            self._save(reopened=False)
        if not self.state.get("described"):
            self._describe()
        self._send_new_lines(record)
        if record["status"] != "RUNNING":
            self._complete(record)

    def _waits_for_sweep(self, record: dict[str, Any]) -> bool:
        """Whether this is a trial whose sweep has no MLflow run yet, in which it is nested."""
        sweep = try_read_json(self.folder.parent / "sweep.json") if record.get("parent") else None
        return _is_tracked(sweep or {}) and "described" not in (try_read_json(self.folder.parent / STATE) or {})

    def _resolve_failure(self, record: dict[str, Any], error: Exception) -> None:
        """After a failure: a run that the user has deleted in MLflow is complete; one that the store does not have is
        created again. Raises the error in all other cases."""
        if self._is_done(self.store.lifecycle_stage(self.state["run_id"])):
            return
        if "run_id" in self.state:
            raise error
        self._advance(record)

    def _is_done(self, stage: str) -> bool:
        """Whether a run of this lifecycle stage needs no further delivery. A missing run starts from the
        beginning."""
        if stage == "deleted":
            self._save(complete=True)
        elif stage == "missing":
            self.state = self._initial_state()
        return bool(self.state["complete"])

    def _create(self, record: dict[str, Any]) -> None:
        experiment_id = self.store.experiment(record["tracking"]["experiment"])
        tags = {key: str(value) for key, value in tags_of(self.folder, record, self.store.address).items() if value}
        # An earlier request may have created the run although its response was lost.
        found = self.store.find_run(experiment_id, record["started"], tags) if "tried" in self.state else None
        self._save(uri=self.store.address, tried=True)
        self._save(run_id=found or self.store.create_run(experiment_id, tags, record["started"]))

    def _describe(self) -> None:
        if params := self._params():
            self.store.log_params(self.state["run_id"], params)
        self._save(described=True)

    def _params(self) -> dict[str, Any]:
        """The settings of a run; of a sweep those that all its trials have in common."""
        config = self.folder / "config.yaml"
        varies = self.record().get("varies") if self.is_sweep else []
        if varies is None or not config.exists():
            return {}
        groups = tuple(f"{key}." for key in varies)
        settings = flatten(read_yaml(config))
        return {key: value for key, value in settings.items() if key not in varies and not key.startswith(groups)}

    def _data_sets(self) -> list[dict[str, Any]]:
        """The data set of a run, or those of the trials of a sweep."""
        trials = [self.folder / str(number) for number in self.record().get("data_from", ())]
        folders = [trial for trial in trials if not trial.is_symlink()] if self.is_sweep else [self.folder]
        found = [data for folder in folders if (data := try_read_json(folder / "data.json"))]
        return list({(data["name"], data["digest"]): data for data in found}.values())

    def _send_new_lines(self, record: dict[str, Any]) -> None:
        """Sends the complete lines of the journal since the last delivery; all of them, if lines were cut since.
        MLflow ignores those that it has, and keeps those that were cut, which no request removes."""
        cuts = record.get("cuts", 0)
        start = 0 if self._is_cut(record) else self.state["offset"]
        lines, offset = read_lines(self.folder / "metrics.jsonl", start)
        if offset != self.state["offset"] or self._is_cut(record):
            self.store.log_history(self.state["run_id"], lines)
            self._save(offset=offset, cuts=cuts)

    def _is_cut(self, record: dict[str, Any]) -> bool:
        """Whether lines that were delivered may have been cut from the journal since."""
        return bool(record.get("cuts", 0) != self.state.get("cuts", 0))

    @property
    def creation_is_uncertain(self) -> bool:
        """Whether MLflow's client may have created the run, in a request whose response was lost."""
        return "tried" in self.state and "run_id" not in self.state

    def next_update(self, stages: Mapping[str, str]) -> RunUpdate | None:
        """What a local store lacks of this run, None if nothing. stages: lifecycle stages of the runs in the store,
        by id.

        The ids of the run and its model are recorded first, so that a kill cannot lead to a second run.
        """
        record = self.record()
        if not record or self._waits_for_sweep(record):
            return None
        if "described" in self.state and self._is_done(stages.get(self.state["run_id"], "missing")):
            return None
        start = 0 if self._is_cut(record) else self.state["offset"]
        lines, self._read_until = read_lines(self.folder / "metrics.jsonl", start)
        has_ended = record["status"] != "RUNNING"
        is_new = bool(lines) or has_ended or self._is_cut(record) or self.state.get("reopened")
        if "described" in self.state and not is_new:
            return None
        if "new_model_id" not in self.state:
            run_id = self.state.get("run_id") or uuid.uuid4().hex
            model_id = self.state.get("model_id") or f"m-{uuid.uuid4().hex}"
            self._save(uri=self.store.address, run_id=run_id, new_model_id=model_id)
        return self._final_update(record, lines) if has_ended else self._update(record, lines)

    def _update(self, record: dict[str, Any], lines: list[dict[str, Any]]) -> RunUpdate:
        params = {} if "described" in self.state else self._params()
        return RunUpdate(
            folder=self.folder,
            run_id=self.state["run_id"],
            model_id=self.state["new_model_id"],
            experiment=record["tracking"]["experiment"],
            status=STATUS.get(record["status"], record["status"]),
            started=record["started"],
            ended=None,
            tags={
                key: str(value) for key, value in tags_of(self.folder, record, self.store.address).items() if value
            },
            params=params,
            lines=lines,
            cuts=record.get("cuts", 0),
            replaces_metrics=self._is_cut(record),
        )

    def _final_update(self, record: dict[str, Any], lines: list[dict[str, Any]]) -> RunUpdate:
        """Everything that remains of a run that has ended."""
        update, summary = self._update(record, lines), summarise(self.folder, self.is_sweep)
        update.ended = record.get("ended") or time.time()
        update.params |= summary.params
        update.tags |= {"mlflow.note.content": summary.note[:MAX_TEXT]} if summary.note else {}
        if metrics := summary.finite():
            update.lines.append({"time": update.ended, "epoch": summary.epoch, "metrics": metrics})
        update.data = self._data_sets()
        update.files = list(artifacts(self.folder))
        update.has_model = self._has_model()
        update.code = code_of(self.folder, record, self.is_live)
        return update

    def mark_delivered(self, update: RunUpdate) -> None:
        """Records that the update is in the store."""
        done = {"described": True, "offset": self._read_until}
        if update.cuts or "reopened" in self.state:
            done |= {"cuts": update.cuts, "reopened": False}
        if update.ended is None:
            self._save(**done)
            return
        if self.is_sweep:
            update_trials(self.folder, self.record(), self.store, self.is_live)
        self._save(**done, model_id=update.model_id, complete=True)

    def _complete(self, record: dict[str, Any]) -> None:
        run_id, ended = self.state["run_id"], record.get("ended") or time.time()
        summary = summarise(self.folder, self.is_sweep)
        if self.is_sweep:
            update_trials(self.folder, self.record(), self.store, self.is_live)
        if summary.params:
            self.store.log_params(run_id, summary.params)
        if summary.note:
            self.store.describe(run_id, summary.note)
        if metrics := summary.finite():
            self.store.log_metrics(run_id, metrics, summary.epoch, ended)
        for data in self._data_sets():
            self.store.log_data_set(run_id, data)
        self.store.log_files(run_id, self.folder, artifacts(self.folder))
        if self._has_model():
            self._send_model(run_id)
        self.store.end_run(run_id, record["status"], ended)
        self._save(complete=True)

    def _has_model(self) -> bool:
        folder = self.folder / "model"
        return not folder.is_symlink() and try_read_json(folder / "example.json") is not None

    def _send_model(self, run_id: str) -> None:
        known = self.state.get("model_id")
        if not known and "new_model_id" in self.state:  # the direct write may have succeeded despite an error
            known = self.store.model_of(run_id)
        if not known:
            experiment = self.record()["tracking"]["experiment"]
            self._save(model_id=self.store.create_model(self.store.experiment(experiment), run_id))
        model_id, code = known or self.state["model_id"], code_of(self.folder, self.record(), self.is_live)
        self.store.log_model(run_id, model_id, self.folder / "model", code, again=bool(known))

    def _save(self, **changes: Any) -> None:
        self.state |= changes
        write_json(self.folder / STATE, self.state)


def _is_tracked(record: dict[str, Any]) -> bool:
    return (record.get("tracking") or {}).get("name") in ("mlflow", "both")
