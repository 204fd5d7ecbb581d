"""What a run's folder says about itself: its record, and what became of a run that could not write that down."""

import errno
import fcntl
import json
import os
import time
from pathlib import Path
from typing import IO, Any

from mlcli.config.redact import redacted
from mlcli.files import open_own, overwrite, remove_parts, write_atomic
from mlcli.store.process import LOCK, is_alive
from mlcli.store.reading import load

_JSON = json.JSONEncoder(allow_nan=False)


def save(path: Path, content: Any, durable: bool = False) -> None:
    """Whole or not at all, without credentials. On a full disk over the file that there is, if there is one."""
    text = to_json(redacted(content))
    try:
        write_atomic(path, text, durable=durable)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not path.exists():
            raise
        overwrite(path, text.encode())


def to_json(content: Any, levels: int = 2, indent: str = "") -> str:
    """With a line for each entry of a dictionary, down to so many levels; json's own way to indent all of it takes
    ten times as long. Raises ValueError for NaN and infinities."""
    if not (isinstance(content, dict) and content and levels):
        return _JSON.encode(content)
    entries = [
        f"{indent} {_JSON.encode(str(key))}: {to_json(each, levels - 1, f'{indent} ')}"
        for key, each in content.items()
    ]
    return "{\n" + ",\n".join(entries) + f"\n{indent}}}"


def lock(path: Path) -> IO[str] | None:
    """The file, locked until it is closed; None if another process has it, or it cannot be written."""
    try:
        file = os.fdopen(open_own(path), "r+")
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def flatten(node: Any, prefix: str = "") -> dict[str, Any]:
    """Nested settings as dotted keys."""
    if not isinstance(node, dict):
        return {prefix[:-1]: node}
    return {key: value for name, child in node.items() for key, value in flatten(child, f"{prefix}{name}.").items()}


def record_path(folder: Path) -> Path:
    sweep = folder / "sweep.json"
    return sweep if sweep.exists() else folder / "run.json"


def running(record: dict[str, Any], folder: Path) -> bool:
    """Whether a process still works on it. Of another machine's processes nothing is known: they do."""
    return record["status"] == "RUNNING" and is_alive(record, folder) is not False


def mark_dead(folder: Path) -> None:
    """Writes into a record that still says RUNNING, though its process is gone, that it was killed; and removes what
    that left unfinished."""
    record = load(record_path(folder))
    if record and record["status"] == "RUNNING" and not running(record, folder):
        closing = {"status": "KILLED", "ended": time.time(), "reason": "its process is gone"}
        save(record_path(folder), record | closing)
        remove_parts(folder)
        (folder / LOCK).unlink(missing_ok=True)
