"""The delivery of one run folder to MLflow: what it contains, how far it has come, and how it ends."""

import fcntl
import json
import os
import socket
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from mlcli.track.mlflow_store import Store

STATE = ".mlflow.json"
FILES = (
    "config.yaml",
    "overrides.yaml",
    "environment.json",
    "data.json",
    "result.json",
    "trials.json",
    "trials.csv",
    "train.log",
)
FOLDERS = ("figures", "predictions")


class Delivery:
    """One run or sweep on its way. `.mlflow.json` in its folder says what has arrived, so that any later courier
    goes on from there; a lock keeps two couriers off one folder."""

    def __init__(self, folder: Path, store: "Store") -> None:
        self.folder = folder
        self.store = store
        self.is_sweep = (folder / "sweep.json").exists()
        self.state: dict[str, Any] = load(folder / STATE) or {"uri": store.uri, "offset": 0, "complete": False}
        self.held: IO[str] | None = None

    def record(self) -> dict[str, Any]:
        return load(self.folder / ("sweep.json" if self.is_sweep else "run.json")) or {}

    def wanted(self) -> bool:
        """Whether this run is tracked by MLflow, at this address."""
        tracking = self.record().get("tracking") or {}
        return tracking.get("name") == "mlflow" and self.state["uri"] == self.store.uri

    def lock(self) -> bool:
        self.held = (self.folder / ".courier.lock").open("w")
        try:
            fcntl.flock(self.held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.held.close()
            return False
        return True

    def bury(self) -> None:
        """Writes into a record that still says RUNNING, though its process is gone, that it was killed."""
        record = self.record()
        if record.get("status") == "RUNNING" and record["host"] == socket.gethostname() and _gone(record["pid"]):
            closing = {"status": "KILLED", "ended": time.time(), "reason": "its process is gone"}
            save(self.folder / ("sweep.json" if self.is_sweep else "run.json"), record | closing)

    def advance(self) -> None:
        """Delivers what is new; once the run has ended, everything."""
        record = self.record()
        if self.state["complete"] or not record:
            return
        if "run_id" not in self.state:
            self._create(record)
        self._send_new_lines()
        if record["status"] != "RUNNING":
            self._complete(record)

    def _create(self, record: dict[str, Any]) -> None:
        parent = load(self.folder.parent / STATE) if record.get("parent") else None
        environment = load(self.folder / "environment.json") or {}
        tags = {
            "mlflow.runName": record["name"],
            "mlflow.user": environment.get("user", ""),
            "mlflow.source.name": record["command"],
            "mlflow.source.type": "LOCAL",
            "mlflow.source.git.commit": environment.get("git_commit"),
            "mlflow.parentRunId": parent["run_id"] if parent else None,
            "mlcli.run_id": record["id"],
            "mlcli.folder": str(self.folder),
            "host": record["host"],
            "device": environment.get("device"),
        }
        given = {key: str(value) for key, value in tags.items() if value}
        self.state["experiment_id"] = self.store.experiment(record["tracking"]["experiment"])
        self.state["run_id"] = self.store.create_run(self.state["experiment_id"], given, record["started"])
        self._save()
        config = self.folder / "config.yaml"
        if config.exists() and not self.is_sweep:
            self.store.log_params(self.state["run_id"], flatten(yaml.safe_load(config.read_text())))

    def _send_new_lines(self) -> None:
        """The journal's whole lines from where the last delivery ended."""
        journal = self.folder / "metrics.jsonl"
        if not journal.exists():
            return
        with journal.open("rb") as file:
            file.seek(self.state["offset"])
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        if whole:
            self.store.log_history(self.state["run_id"], [json.loads(line) for line in whole.splitlines()])
            self.state["offset"] += len(whole)
            self._save()

    def _complete(self, record: dict[str, Any]) -> None:
        run_id = self.state["run_id"]
        if self.is_sweep:
            self._summarise(run_id)
        result = load(self.folder / "result.json")
        if result:
            numbers = {name: value for name, value in result["metrics"].items() if name.startswith("test/")}
            numbers |= {name: result[name] for name in ("best_epoch", "seconds")}
            self.store.log_metrics(run_id, numbers, result["best_epoch"])
        data = load(self.folder / "data.json")
        if data and not self.is_sweep:
            self.store.log_data_set(run_id, data)
        self.store.log_files(run_id, self.folder, FILES, FOLDERS)
        if (self.folder / "model" / "example.json").exists():
            self.store.log_model(self.state["experiment_id"], run_id, self.folder / "model")
        self.store.end_run(run_id, record["status"], record.get("ended") or time.time())
        self.state["complete"] = True
        self._save()

    def _summarise(self, run_id: str) -> None:
        """On a sweep's own run: the best trial's settings and metrics, since its children are folded in the UI."""
        report = load(self.folder / "trials.json")
        if not report:
            return
        trials = {trial["trial"]: trial for trial in report["trials"]}
        params = {"sweep.trials": len(trials), "sweep.keys": ", ".join(next(iter(trials.values()))["swept"])}
        best = trials.get(report["best_trial"])
        if best:
            params |= {"best.trial": best["trial"], **{f"best.{k}": v for k, v in best["swept"].items()}}
            self.store.log_metrics(run_id, best["metrics"], 0)
        self.store.log_params(run_id, params)

    def _save(self) -> None:
        save(self.folder / STATE, self.state)


def load(path: Path) -> dict[str, Any] | None:
    """A JSON file, None where there is none."""
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return None


def save(path: Path, content: dict[str, Any]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(content, indent=1))
    temporary.replace(path)


def flatten(node: Any, prefix: str = "") -> dict[str, Any]:
    """Nested settings as dotted keys."""
    if not isinstance(node, dict):
        return {prefix[:-1]: node}
    return {key: value for name, child in node.items() for key, value in flatten(child, f"{prefix}{name}.").items()}


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return Path(f"/proc/{pid}/stat").exists() and _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """A killed process stays in the table until its parent has asked for its status."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
