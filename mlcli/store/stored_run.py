"""A run or sweep on disk, read from its folder."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mlcli.config.stored import read_yaml
from mlcli.store.folder import RunFolder
from mlcli.store.format import current_names
from mlcli.store.process import is_alive
from mlcli.store.records import Damaged, NewerFormat, flatten, read_json
from mlcli.store.status import is_running

# Statuses of runs whose files cannot be read: invalid ones, and those of a later version of mlcli.
DAMAGED, NEWER = "DAMAGED", "NEWER"


@dataclass(frozen=True)
class StoredRun:
    """A run (or sweep) with its record and, once it has ended, its result."""

    folder: RunFolder
    record: dict[str, Any]

    @property
    def is_sweep(self) -> bool:
        return self.folder.record_name == "sweep.json"

    @property
    def is_newer(self) -> bool:
        """Whether a later version of mlcli wrote it, in a format that this one does not read."""
        return bool(self.record["status"] == NEWER)

    @property
    def id(self) -> str:
        return str(self.record["id"])

    @property
    def status(self) -> str:
        """As recorded, but KILLED for a run that is recorded as RUNNING and has no process any more."""
        if self.damage is not None:
            return NEWER if self.is_newer else DAMAGED
        status = str(self.record["status"])
        return "KILLED" if status == "RUNNING" and not is_running(self.record, self.folder.path) else status

    @property
    def host(self) -> str | None:
        """The other machine on which the run may be running, which cannot be checked from here."""
        if self.status != "RUNNING" or is_alive(self.record, self.folder.path) is not None:
            return None
        return str(self.record["host"])

    @cached_property
    def damage(self) -> str | None:
        """Why its record or result cannot be read; None if they can."""
        if self.record["status"] in (DAMAGED, NEWER):
            return str(self.record["reason"])
        try:
            self.result()
        except Damaged as error:
            return error.reason
        return None

    def result(self) -> dict[str, Any]:
        """The content of result.json; empty while there is none. Raises Damaged."""
        return self._result

    @cached_property
    def _result(self) -> dict[str, Any]:
        try:
            return dict(current_names(read_json(self.folder.path / "result.json"), self.record))
        except FileNotFoundError:
            return {}

    @cached_property
    def flat_config(self) -> dict[str, Any]:
        """The config as dotted keys; empty if there is none. Raises ConfigError for one that mlcli cannot have
        written."""
        return flatten(self.folder.config()) if (self.folder.path / "config.yaml").exists() else {}

    def overrides(self) -> list[str]:
        """The overrides as typed; none where they cannot be read."""
        try:
            typed = read_yaml(self.folder.path / "overrides.yaml")
        except (OSError, ValueError):
            return []
        return [text for text in typed if isinstance(text, str)] if isinstance(typed, list) else []

    @property
    def seconds(self) -> float | None:
        """How long the training took, or from start to end for a run without a result; None while it is running."""
        if self.damage is None and "seconds" in self.result():
            return float(self.result()["seconds"])
        started, ended = self.record["started"], self.record.get("ended")
        return None if ended is None else float(ended) - float(started)

    @property
    def parameters(self) -> int | None:
        """The number of parameters of its model; None for runs of earlier versions, and for unfinished ones."""
        found = None if self.damage is not None else self.result().get("parameters")
        return None if found is None else int(found)

    def history(self) -> list[dict[str, Any]]:
        """The epochs so far: a record {"epoch", "step", "time", "metrics"} of each."""
        return self.folder.history()

    @property
    def directions(self) -> dict[str, str | None]:
        """Directions that the task states for its own metrics (`mlcli.metric.direction`)."""
        stated = self.record.get("directions")
        return stated if isinstance(stated, dict) else {}

    def metrics(self) -> dict[str, float]:
        """Finite metrics of the result or, without one, of the last epoch."""
        if self.damage is not None:
            return {}
        result = self.result()
        if not result:
            history = self.history()
            return dict(history[-1]["metrics"]) if history else {}
        return {name: value for name, value in result["metrics"].items() if value is not None}


def short_id(identity: str) -> str:
    """The random part of a run's id, with the number of a trial, which identifies it."""
    return identity.split("-", 2)[-1]


def stated_directions(runs: Iterable[StoredRun]) -> dict[str, str | None]:
    """Directions that the tasks of these runs state for their own metrics."""
    return {name: direction for run in runs for name, direction in run.directions.items()}


def read_run(path: Path) -> StoredRun | None:
    """The run or sweep in a folder, None if there is none. An unreadable one has the status DAMAGED or NEWER."""
    for name in ("run.json", "sweep.json"):
        folder = RunFolder(path.absolute(), name)
        if not os.path.lexists(folder.path / name):
            continue
        try:
            record = read_json(folder.path / name)
            return StoredRun(folder, current_names(record, record))
        except NewerFormat as error:
            return StoredRun(folder, _unread_record(folder, NEWER, error.reason))
        except Damaged as error:
            return StoredRun(folder, _unread_record(folder, DAMAGED, error.reason))
        except FileNotFoundError:  # removed by another process in the meantime
            continue
    return None


def _unread_record(folder: RunFolder, status: str, reason: str) -> dict[str, Any]:
    """What the path says of a run whose record cannot be read."""
    path = folder.path
    is_trial = (path.parent / "sweep.json").exists()
    return {
        "id": f"{path.parent.name}-{path.name}" if is_trial else path.name,
        "name": path.name,
        "status": status,
        "started": (path / folder.record_name).lstat().st_mtime,
        "command": "",
        "parent": path.parent.name if is_trial else None,
        "trial": int(path.name) if is_trial and path.name.isdecimal() else None,
        "reason": reason,
    }
