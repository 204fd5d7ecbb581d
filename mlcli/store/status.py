"""Whether a run is running, and the record of one whose process ended without updating it."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlcli.files import remove_parts
from mlcli.locks import lock
from mlcli.store.process import LOCK, is_alive
from mlcli.store.records import try_read_json, write_json


def record_path(folder: Path) -> Path:
    """The record of a run (run.json) or sweep (sweep.json)."""
    sweep = folder / "sweep.json"
    return sweep if sweep.exists() else folder / "run.json"


def is_running(record: dict[str, Any], folder: Path) -> bool:
    """Whether its process is alive. A process on another machine cannot be checked and counts as alive."""
    return record["status"] == "RUNNING" and is_alive(record, folder) is not False


def mark_dead(folder: Path) -> None:
    """Marks a run KILLED that is recorded as RUNNING without a process; removes partial files and its lock."""
    record = try_read_json(record_path(folder))
    if record and record["status"] == "RUNNING" and not is_running(record, folder):
        try:
            held = lock(folder / LOCK)
        except OSError:  # a file system without locks
            held = None
        else:
            if held is None:  # another process has just resumed it
                return
        try:
            if try_read_json(record_path(folder)) == record:
                end = {"status": "KILLED", "ended": time.time(), "reason": "its process is gone"}
                write_json(record_path(folder), record | end)
                remove_parts(folder)
        finally:
            with suppress(OSError):  # Windows keeps a file that is open
                (folder / LOCK).unlink(missing_ok=True)
            if held is not None:
                held.release()
