"""Which runs there are, and which one a user means."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mlcli.config.errors import ConfigError, suggest
from mlcli.store.folder import RunFolder
from mlcli.store.process import is_alive
from mlcli.store.records import Damaged, read_json
from mlcli.store.status import is_running

DAMAGED = "DAMAGED"  # the status of a run whose files are not what mlcli wrote
RECORDS = ("runs/*/run.json", "sweeps/*/sweep.json", "sweeps/*/*/run.json")


@dataclass(frozen=True)
class StoredRun:
    """A run (or sweep) on disk, with its record and, once it has ended, its result."""

    folder: RunFolder
    record: dict[str, Any]

    @property
    def is_sweep(self) -> bool:
        return self.folder.record_name == "sweep.json"

    @property
    def id(self) -> str:
        return str(self.record["id"])

    @property
    def status(self) -> str:
        """As recorded; a run whose process is gone without a word was killed."""
        if self.damage is not None:
            return DAMAGED
        status = str(self.record["status"])
        return "KILLED" if status == "RUNNING" and not is_running(self.record, self.folder.path) else status

    @property
    def host(self) -> str | None:
        """The other machine on which a run may still be running, which cannot be known here."""
        if self.status != "RUNNING" or is_alive(self.record, self.folder.path) is not None:
            return None
        return str(self.record["host"])

    @cached_property
    def damage(self) -> str | None:
        """What is wrong with its record or result, if anything is: a power cut leaves such files."""
        if self.record["status"] == DAMAGED:
            return str(self.record["reason"])
        try:
            self.result()
        except Damaged as error:
            return error.reason
        return None

    def result(self) -> dict[str, Any]:
        """Empty while there is none. Raises Damaged."""
        return self._result

    @cached_property
    def _result(self) -> dict[str, Any]:
        try:
            return dict(read_json(self.folder.path / "result.json"))
        except FileNotFoundError:
            return {}

    def history(self) -> list[dict[str, Any]]:
        """The epochs recorded so far: {"epoch", "step", "metrics"}."""
        return self.folder.history()

    @property
    def directions(self) -> dict[str, str | None]:
        """What the task stated of its own metrics (`mlcli.metric.direction`)."""
        stated = self.record.get("directions")
        return stated if isinstance(stated, dict) else {}

    def metrics(self) -> dict[str, float]:
        """Of the result; of a run that has none yet, its last epoch's. Those that are not finite are left out."""
        if self.damage is not None:
            return {}
        result = self.result()
        if not result:
            history = self.history()
            return dict(history[-1]["metrics"]) if history else {}
        return {name: value for name, value in result["metrics"].items() if value is not None}


def stated_directions(runs: Iterable[StoredRun]) -> dict[str, str | None]:
    """What the tasks of these runs state of their own metrics."""
    return {name: way for run in runs for name, way in run.directions.items()}


def all_runs(outputs: Path) -> list[StoredRun]:
    """Runs, sweeps and their trials under `outputs`, newest first."""
    found = [found for pattern in RECORDS for found in _in(outputs, pattern)]
    return sorted(found, key=lambda run: (run.record["started"], run.id), reverse=True)


def find(text: str, outputs: Path) -> StoredRun:
    """The run meant by a folder, an id, the unique start of an id (or of its random part), a name, or `last`.

    Of several runs with one name it is the newest. Raises ConfigError when none or several fit.
    """
    given = _read(Path(text))
    if given is not None:
        return given
    runs = all_runs(outputs)
    if not runs:
        raise ConfigError(f"There is no run under {outputs}: use `mlcli train` first, or --outputs FOLDER.")
    if text == "last":
        return next((run for run in runs if run.record.get("parent") is None), runs[0])
    for matches in (
        [run for run in runs if run.id == text],
        [run for run in runs if run.record["name"] == text][:1],
        [
            run
            for run in runs
            if run.id.startswith(text) or run.id.partition("-")[2].partition("-")[2].startswith(text)
        ],
    ):
        if len(matches) == 1:
            return matches[0]
        exact = [run for run in matches if run.is_sweep]  # a sweep's id starts those of its trials
        if len(exact) == 1 and all(run.id.startswith(exact[0].id) for run in matches):
            return exact[0]
        if matches:
            raise ConfigError(f"{text!r} fits several runs: use one of {', '.join(run.id for run in matches[:8])}.")
    raise ConfigError(f"There is no run {text!r}.{_near(text, runs)} See `mlcli runs`.")


def find_run(text: str, outputs: Path) -> StoredRun:
    """Like `find`, for commands that need one trained network: a sweep stands for its best trial."""
    found = find(text, outputs)
    if not found.is_sweep:
        return found
    if found.damage is not None:
        raise ConfigError(f"{found.id} is damaged: {found.damage}")
    best = found.record.get("best_trial")
    trial = _read(found.folder.path / str(best)) if best is not None else None
    if trial is None:
        raise ConfigError(f"{found.id} is a sweep without a finished trial: use one run's id.")
    return trial


def _near(text: str, runs: list[StoredRun]) -> str:
    hint = suggest(text, {str(run.record["name"]) for run in runs} | {run.id for run in runs})
    return hint.partition(" Choices:")[0]


def _in(outputs: Path, pattern: str) -> Iterator[StoredRun]:
    for path in outputs.glob(pattern):
        found = _read(path.parent)
        if found is not None:
            yield found


def _read(path: Path) -> StoredRun | None:
    for name in ("run.json", "sweep.json"):
        folder = RunFolder(path.absolute(), name)
        if not os.path.lexists(folder.path / name):
            continue
        try:
            return StoredRun(folder, read_json(folder.path / name))
        except Damaged as error:
            return StoredRun(folder, _damaged_record(folder, error.reason))
        except FileNotFoundError:  # removed this moment
            continue
    return None


def _damaged_record(folder: RunFolder, reason: str) -> dict[str, Any]:
    """What is known of a run whose record cannot be read."""
    path = folder.path
    is_trial = (path.parent / "sweep.json").exists()
    return {
        "id": f"{path.parent.name}-{path.name}" if is_trial else path.name,
        "name": path.name,
        "status": DAMAGED,
        "started": (path / folder.record_name).lstat().st_mtime,
        "command": "",
        "parent": path.parent.name if is_trial else None,
        "trial": int(path.name) if is_trial and path.name.isdecimal() else None,
        "reason": reason,
    }
