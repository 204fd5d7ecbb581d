"""The delivery of one run folder to MLflow: what it contains, how far it has come, and how it ends."""

import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mlcli.config.stored import read_yaml
from mlcli.store.process import lock_file
from mlcli.store.records import Damaged, flatten, read_json, read_lines, try_read_json, write_json
from mlcli.store.status import record_path
from mlcli.track.artifacts import artifacts
from mlcli.track.mlflow_names import MAX_TEXT, STATUS
from mlcli.track.mlflow_rows import RunUpdate
from mlcli.track.summary import summarise

if TYPE_CHECKING:
    from mlcli.track.mlflow_store import Store

STATE = ".mlflow.json"
LOCK = ".courier.lock"


class Delivery:
    """One run or sweep on its way. `.mlflow.json` in its folder says what has arrived, so that any later courier
    goes on from there; a lock keeps two couriers off one folder. Whatever is sent may be sent again.

    It goes by MLflow's client (`advance`), or into a local store together with others (`news`, then `arrived`).
    """

    def __init__(self, folder: Path, store: "Store") -> None:
        self.folder = folder
        self.store = store
        self.is_sweep = (folder / "sweep.json").exists()
        self.lock: IO[str] | None = None
        self.state = self._read_state()
        self._read_until = 0  # in the journal

    def _nothing_sent(self) -> dict[str, Any]:
        return {"uri": self.store.address, "offset": 0, "complete": False}

    def _read_state(self) -> dict[str, Any]:
        try:
            return dict(read_json(self.folder / STATE))
        except FileNotFoundError:
            return self._nothing_sent()
        except Damaged:  # by a power cut, say: there may be a run
            return self._nothing_sent() | {"tried": True}

    def record(self) -> dict[str, Any]:
        return try_read_json(record_path(self.folder)) or {}

    def wanted(self) -> bool:
        """Whether MLflow at this address tracks this run and lacks some of it."""
        elsewhere = "run_id" in self.state and self.state["uri"] != self.store.address
        return not self.state["complete"] and not elsewhere and _is_tracked(self.record())

    def take(self) -> bool:
        """Locks the folder. False if there is nothing to deliver, or if another courier has it."""
        if not self.wanted():
            return False
        self.lock = lock_file(self.folder / LOCK)
        if self.lock is None:
            return False
        # Again: whoever had the lock until now may have written it.
        self.state = self._read_state()
        if not self.wanted():
            self.release()
            return False
        return True

    def forget(self) -> None:
        """A store that does not know the run any more, as one that was removed, is to get it again."""
        self.lock = lock_file(self.folder / LOCK)
        if self.lock is not None:
            self.state = self._nothing_sent()
            self._save()
            self.release()

    def release(self) -> None:
        if self.lock:
            self.lock.close()

    def advance(self) -> None:
        """Delivers what is new; once the run has ended, everything. Raises whatever MLflow raises."""
        record = self.record()
        if not record or self._waits_for_sweep(record):
            return
        try:
            self._advance(record)
        except Exception as error:
            if self.store.unreachable(error) or "run_id" not in self.state:
                raise
            self._settle(record, error)

    def _advance(self, record: dict[str, Any]) -> None:
        if "run_id" not in self.state:
            self._create(record)
        if not self.state.get("described"):
            self._describe()
        self._send_new_lines()
        if record["status"] != "RUNNING":
            self._complete(record)

    def _waits_for_sweep(self, record: dict[str, Any]) -> bool:
        """A trial is nested in its sweep, whose MLflow run must be there first."""
        sweep = try_read_json(self.folder.parent / "sweep.json") if record.get("parent") else None
        return _is_tracked(sweep or {}) and "described" not in (try_read_json(self.folder.parent / STATE) or {})

    def _settle(self, record: dict[str, Any], error: Exception) -> None:
        """After a failure: a run that the user deleted in MLflow is done with; one that the store does not know,
        because it is a new store, starts again. Raises the error if neither is the reason."""
        if self._is_settled(self.store.fate(self.state["run_id"])):
            return
        if "run_id" in self.state:
            raise error
        self._advance(record)

    def _is_settled(self, fate: str) -> bool:
        """Whether nothing is left to do for a run of which the store says that. A "missing" one starts again."""
        if fate == "deleted":
            self._save(complete=True)
        elif fate == "missing":
            self.state = self._nothing_sent()
        return bool(self.state["complete"])

    def _create(self, record: dict[str, Any]) -> None:
        experiment_id = self.store.experiment(record["tracking"]["experiment"])
        tags = {key: str(value) for key, value in self._tags(record).items() if value}
        # A request that got no answer, or a kill before the answer was kept, may have created it all the same.
        found = self.store.find_run(experiment_id, record["started"], tags) if "tried" in self.state else None
        self._save(uri=self.store.address, tried=True)
        self._save(run_id=found or self.store.create_run(experiment_id, tags, record["started"]))

    def _tags(self, record: dict[str, Any]) -> dict[str, Any]:
        parent = try_read_json(self.folder.parent / STATE) if record.get("parent") else None
        nested = parent is not None and parent["uri"] == self.store.address
        environment = try_read_json(self.folder / "environment.json") or {}
        return {
            "mlflow.runName": record["name"],
            "mlflow.user": environment.get("user"),
            "mlflow.source.name": record["command"],
            "mlflow.source.type": "LOCAL",
            "mlflow.source.git.commit": environment.get("git_commit"),
            "mlflow.parentRunId": parent["run_id"] if parent and nested else None,
            "mlcli.run_id": record["id"],
            "mlcli.folder": self.folder,
            "host": record["host"],
            "device": environment.get("device"),
            "mlcli.status": record["status"] if record["status"] != "RUNNING" else None,
        }

    def _describe(self) -> None:
        config = self.folder / "config.yaml"
        if config.exists() and not self.is_sweep:
            self.store.log_params(self.state["run_id"], flatten(read_yaml(config)))
        self._save(described=True)

    def _send_new_lines(self) -> None:
        """The journal's whole lines from where the last delivery ended."""
        lines, offset = read_lines(self.folder / "metrics.jsonl", self.state["offset"])
        if offset != self.state["offset"]:
            self.store.log_history(self.state["run_id"], lines)
            self._save(offset=offset)

    @property
    def may_have_been_created(self) -> bool:
        """By MLflow's client, which was asked for it and whose answer was never written down."""
        return "tried" in self.state and "run_id" not in self.state

    def news(self, stages: Mapping[str, str]) -> RunUpdate | None:
        """What a local store does not know of it, None if there is nothing. stages: of the runs that it knows, by id.

        The ids that it will have are written down first, so that a kill on the way leads to no second run.
        """
        record = self.record()
        if not record or self._waits_for_sweep(record):
            return None
        if "described" in self.state and self._is_settled(stages.get(self.state["run_id"], "missing")):
            return None
        lines, self._read_until = read_lines(self.folder / "metrics.jsonl", self.state["offset"])
        has_ended = record["status"] != "RUNNING"
        if "described" in self.state and not lines and not has_ended:
            return None
        if "new_model_id" not in self.state:
            run_id = self.state.get("run_id") or uuid.uuid4().hex
            model_id = self.state.get("model_id") or f"m-{uuid.uuid4().hex}"
            self._save(uri=self.store.address, run_id=run_id, new_model_id=model_id)
        return self._closing_news(record, lines) if has_ended else self._news(record, lines)

    def _news(self, record: dict[str, Any], lines: list[dict[str, Any]]) -> RunUpdate:
        config = self.folder / "config.yaml"
        params = flatten(read_yaml(config)) if config.exists() and not self._is_described_or_sweep() else {}
        return RunUpdate(
            folder=self.folder,
            run_id=self.state["run_id"],
            model_id=self.state["new_model_id"],
            experiment=record["tracking"]["experiment"],
            status=STATUS.get(record["status"], record["status"]),
            started=record["started"],
            ended=None,
            tags={key: str(value) for key, value in self._tags(record).items() if value},
            params=params,
            lines=lines,
        )

    def _is_described_or_sweep(self) -> bool:
        return self.is_sweep or "described" in self.state

    def _closing_news(self, record: dict[str, Any], lines: list[dict[str, Any]]) -> RunUpdate:
        """Of a run that has ended, everything that is left."""
        news, closing = self._news(record, lines), summarise(self.folder, self.is_sweep)
        news.ended = record.get("ended") or time.time()
        news.params |= closing.params
        news.tags |= {"mlflow.note.content": closing.note[:MAX_TEXT]} if closing.note else {}
        if metrics := closing.finite():
            news.lines.append({"time": news.ended, "epoch": closing.epoch, "metrics": metrics})
        news.data = None if self.is_sweep else try_read_json(self.folder / "data.json")
        news.files = list(artifacts(self.folder))
        news.has_model = self._has_model()
        return news

    def arrived(self, news: RunUpdate) -> None:
        """All of it is in the store."""
        if news.ended is None:
            self._save(described=True, offset=self._read_until)
            return
        if self.is_sweep:
            self._send_late_figures()
        self._save(described=True, offset=self._read_until, model_id=news.model_id, complete=True)

    def _complete(self, record: dict[str, Any]) -> None:
        run_id, ended = self.state["run_id"], record.get("ended") or time.time()
        closing = summarise(self.folder, self.is_sweep)
        if self.is_sweep:
            self._send_late_figures()
        if closing.params:
            self.store.log_params(run_id, closing.params)
        if closing.note:
            self.store.describe(run_id, closing.note)
        if metrics := closing.finite():
            self.store.log_metrics(run_id, metrics, closing.epoch, ended)
        data = try_read_json(self.folder / "data.json")
        if data and not self.is_sweep:
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
        if not known and "new_model_id" in self.state:  # who wrote it may have been told that he had not
            known = self.store.model_of(run_id)
        if not known:
            experiment = self.record()["tracking"]["experiment"]
            self._save(model_id=self.store.create_model(self.store.experiment(experiment), run_id))
        self.store.log_model(run_id, known or self.state["model_id"], self.folder / "model", again=bool(known))

    def _send_late_figures(self) -> None:
        """A sweep draws its best trials when all have ended, and those that had are in MLflow by then."""
        for number in self.record().get("drawn", ()):
            trial = self.folder / str(number)
            known = (try_read_json(trial / STATE) or {}).get("run_id")
            if known and not trial.is_symlink():
                self.store.log_missing(known, trial / "figures", "figures")

    def _save(self, **news: Any) -> None:
        self.state |= news
        write_json(self.folder / STATE, self.state)


def _is_tracked(record: dict[str, Any]) -> bool:
    return (record.get("tracking") or {}).get("name") in ("mlflow", "both")
