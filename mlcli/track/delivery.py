"""The delivery of one run folder to MLflow: what it contains, how far it has come, and how it ends."""

import time
import uuid
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mlcli.track.mlflow_store import STATUS
from mlcli.track.record import flatten, load, lock, read_lines, read_yaml, record_path, save

if TYPE_CHECKING:
    from mlcli.track.mlflow_bulk import WholeRun
    from mlcli.track.mlflow_store import Store

STATE = ".mlflow.json"
LOCK = ".courier.lock"
FILES = (
    "config.yaml",
    "overrides.yaml",
    "environment.json",
    "data.json",
    "result.json",
    "answer.json",
    "trials.json",
    "trials.csv",
    "crossval.json",
    "groups.csv",
    "train.log",
)
FOLDERS = ("figures", "predictions")


class Delivery:
    """One run or sweep on its way. `.mlflow.json` in its folder says what has arrived, so that any later courier
    goes on from there; a lock keeps two couriers off one folder. Whatever is sent may be sent again."""

    def __init__(self, folder: Path, store: "Store") -> None:
        self.folder = folder
        self.store = store
        self.is_sweep = (folder / "sweep.json").exists()
        self.lock: IO[str] | None = None
        self.state = load(folder / STATE) or self._nothing_sent()

    def _nothing_sent(self) -> dict[str, Any]:
        return {"uri": self.store.address, "offset": 0, "complete": False}

    def record(self) -> dict[str, Any]:
        return load(record_path(self.folder)) or {}

    def wanted(self) -> bool:
        """Whether MLflow at this address tracks this run and lacks some of it."""
        elsewhere = "run_id" in self.state and self.state["uri"] != self.store.address
        return not self.state["complete"] and not elsewhere and _is_tracked(self.record())

    def take(self) -> bool:
        """Locks the folder. False if there is nothing to deliver, or if another courier has it."""
        if not self.wanted():
            return False
        self.lock = lock(self.folder / LOCK)
        if self.lock is None:
            return False
        # Again: whoever had the lock until now may have written it.
        self.state = load(self.folder / STATE) or self._nothing_sent()
        if not self.wanted():
            self.release()
            return False
        return True

    def release(self) -> None:
        if self.lock:
            self.lock.close()

    def advance(self) -> None:
        """Delivers what is new; once the run has ended, everything. Raises whatever MLflow raises."""
        record = self.record()
        if not record or self._waits_for_sweep(record) or self._has_arrived():
            return
        try:
            self._advance(record)
        except Exception as error:
            if self.store.is_unreachable(error) or "run_id" not in self.state:
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
        sweep = load(self.folder.parent / "sweep.json") if record.get("parent") else None
        return _is_tracked(sweep or {}) and "run_id" not in (load(self.folder.parent / STATE) or {})

    def _settle(self, record: dict[str, Any], error: Exception) -> None:
        """After a failure: a run that the user deleted in MLflow is done with; one that the store does not know,
        because it is a new store, starts again. Raises the error if neither is the reason."""
        fate = self.store.fate(self.state["run_id"])
        if fate == "active":
            raise error
        if fate == "deleted":
            self._save(complete=True)
            return
        self.state = self._nothing_sent()
        self._advance(record)

    def _create(self, record: dict[str, Any]) -> None:
        self.state["experiment_id"] = experiment_id = self.store.experiment(record["tracking"]["experiment"])
        tags = {key: str(value) for key, value in self._tags(record).items() if value}
        # A request that got no answer, or a kill before the answer was kept, may have created it all the same.
        found = self.store.find_run(experiment_id, record["started"], tags) if "tried" in self.state else None
        self._save(uri=self.store.address, tried=True)
        self._save(run_id=found or self.store.create_run(experiment_id, tags, record["started"]))

    def _tags(self, record: dict[str, Any]) -> dict[str, Any]:
        parent = load(self.folder.parent / STATE) if record.get("parent") else None
        nested = parent is not None and parent["uri"] == self.store.address
        environment = load(self.folder / "environment.json") or {}
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

    def whole(self) -> "WholeRun | None":
        """All of a trial that has ended and of which MLflow knows nothing yet; None where there is no such thing."""
        record = self.record()
        ended = record.get("parent") and record["status"] != "RUNNING"
        if not ended or "tried" in self.state or self._waits_for_sweep(record) or self._has_arrived():
            return None
        return self._whole(record)

    def _has_arrived(self) -> bool:
        """Whether it is all there, though a kill came before that was written down: it comes whole or not at all."""
        if "run_id" not in self.state and "planned" in self.state:
            run_id, model_id = self.state["planned"]
            if self.store.fate(run_id) == "active":
                self._save(run_id=run_id, model_id=model_id, described=True, complete=True)
        return bool(self.state["complete"])

    def _whole(self, record: dict[str, Any]) -> "WholeRun":
        from mlcli.track.mlflow_bulk import WholeRun

        run_id, model_id = self.state.get("planned") or (uuid.uuid4().hex, f"m-{uuid.uuid4().hex}")
        self._save(uri=self.store.address, planned=[run_id, model_id])
        config = self.folder / "config.yaml"
        lines, _ = read_lines(self.folder / "metrics.jsonl", 0)
        ended = record.get("ended") or time.time()
        final = self._final_metrics()
        if final:
            lines.append({"time": ended, "epoch": final[0], "metrics": final[1]})
        files = [self.folder / name for name in FILES]
        files += [path for name in FOLDERS for path in (self.folder / name).rglob("*")]
        return WholeRun(
            folder=self.folder,
            experiment_id=self.store.experiment(record["tracking"]["experiment"]),
            status=STATUS.get(record["status"], record["status"]),
            started=record["started"],
            ended=ended,
            tags={key: str(value) for key, value in self._tags(record).items() if value},
            params=flatten(read_yaml(config)) if config.exists() else {},
            lines=lines,
            data=load(self.folder / "data.json"),
            files=[path for path in files if _is_whole(path)],
            has_model=(self.folder / "model" / "example.json").exists(),
            run_id=run_id,
            model_id=model_id,
        )

    def arrived(self, run: "WholeRun") -> None:
        """Everything of it is in the store."""
        ids = {"run_id": run.run_id, "model_id": run.model_id, "experiment_id": run.experiment_id}
        self._save(**ids, described=True, complete=True)

    def _final_metrics(self) -> tuple[int, dict[str, float | None]] | None:
        """What the split that judges says, at the best epoch."""
        result = load(self.folder / "result.json")
        if not result:
            return None
        judged = f"{result.get('judged', 'test')}/"
        numbers = {name: value for name, value in result["metrics"].items() if name.startswith(judged)}
        numbers |= {name: result[name] for name in ("best_epoch", "seconds")}
        return result["best_epoch"], {name: value for name, value in numbers.items() if value is not None}

    def _complete(self, record: dict[str, Any]) -> None:
        run_id, ended = self.state["run_id"], record.get("ended") or time.time()
        if self.is_sweep:
            self._summarise(run_id, ended)
            self._send_late_figures()
        if answer := load(self.folder / "answer.json"):
            self.store.describe(run_id, answer["sentence"])
        final = self._final_metrics()
        if final:
            self.store.log_metrics(run_id, final[1], final[0], ended)
        data = load(self.folder / "data.json")
        if data and not self.is_sweep:
            self.store.log_data_set(run_id, data)
        self.store.log_files(run_id, self.folder, FILES, FOLDERS)
        if (self.folder / "model" / "example.json").exists():
            self._send_model(run_id)
        self.store.end_run(run_id, record["status"], ended)
        self._save(complete=True)

    def _send_model(self, run_id: str) -> None:
        known = self.state.get("model_id")
        if not known:
            self._save(model_id=self.store.create_model(self.state["experiment_id"], run_id))
        self.store.log_model(run_id, self.state["model_id"], self.folder / "model", again=bool(known))

    def _summarise(self, run_id: str, ended: float) -> None:
        """On a sweep's own run: the best trial's settings and metrics, since its children are folded in the UI."""
        report = load(self.folder / "trials.json")
        if not report or not report["trials"]:
            return
        trials = {trial["trial"]: trial for trial in report["trials"]}
        params = {"sweep.trials": len(trials), "sweep.keys": ", ".join(report["trials"][0]["swept"])}
        best = trials.get(report["best_trial"])
        if found := load(self.folder / "crossval.json"):
            params |= {f"crossval.{name}": found[name] for name in ("metric", "folds", "repeats", "by")}
            self.store.log_metrics(run_id, found["metrics"], 0, ended)
            self.store.describe(run_id, found["sentence"])
        elif best:
            params |= {"best.trial": best["trial"], **{f"best.{k}": v for k, v in best["swept"].items()}}
            self.store.log_metrics(run_id, best["metrics"], 0, ended)
        self.store.log_params(run_id, params)

    def _send_late_figures(self) -> None:
        """A sweep draws its best trials when all have ended, and those that had are in MLflow by then."""
        for number in self.record().get("drawn", ()):
            trial = self.folder / str(number)
            known = (load(trial / STATE) or {}).get("run_id")
            if known:
                self.store.log_missing(known, trial / "figures", "figures")

    def _save(self, **news: Any) -> None:
        self.state |= news
        save(self.folder / STATE, self.state)


def _is_whole(path: Path) -> bool:
    """A file that has something in it, and is not just being written."""
    return path.is_file() and not path.name.startswith(".") and path.stat().st_size > 0


def _is_tracked(record: dict[str, Any]) -> bool:
    return (record.get("tracking") or {}).get("name") in ("mlflow", "both")
