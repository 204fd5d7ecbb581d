"""What a run's folder says about itself: its record, and what became of a run that could not write that down."""

import fcntl
import json
import os
import socket
import time
from pathlib import Path
from typing import IO, Any

from mlcli.config.redact import redacted

_JSON = json.JSONEncoder(allow_nan=False)


def load(path: Path) -> dict[str, Any] | None:
    """A JSON file, None where there is none."""
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return None


def save(path: Path, content: Any) -> None:
    """Whole or not at all, without credentials."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(to_json(redacted(content)))
    temporary.replace(path)


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
        file = path.open("w")
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def read_lines(journal: Path, offset: int) -> tuple[list[dict[str, Any]], int]:
    """The journal's whole lines from a place on, and where they end. Those that a kill cut off, on top of which a
    resumed run has written its next, are left out."""
    if not journal.exists():
        return [], offset
    with journal.open("rb") as file:
        file.seek(offset)
        new = file.read()
    whole = new[: new.rfind(b"\n") + 1]
    found = []
    for line in whole.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found, offset + len(whole)


def flatten(node: Any, prefix: str = "") -> dict[str, Any]:
    """Nested settings as dotted keys."""
    if not isinstance(node, dict):
        return {prefix[:-1]: node}
    return {key: value for name, child in node.items() for key, value in flatten(child, f"{prefix}{name}.").items()}


def record_path(folder: Path) -> Path:
    sweep = folder / "sweep.json"
    return sweep if sweep.exists() else folder / "run.json"


def running(record: dict[str, Any]) -> bool:
    """Whether a process still works on it. Of another machine's processes nothing is known: they do."""
    if record["status"] != "RUNNING":
        return False
    return record["host"] != socket.gethostname() or not _gone(record["pid"])


def bury(folder: Path) -> None:
    """Writes into a record that still says RUNNING, though its process is gone, that it was killed."""
    record = load(record_path(folder))
    if record and record["status"] == "RUNNING" and not running(record):
        closing = {"status": "KILLED", "ended": time.time(), "reason": "its process is gone"}
        save(record_path(folder), record | closing)


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """A killed process stays in the table until its parent has asked for its status."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:  # no /proc here, or gone this moment: the next look will tell
        return False
