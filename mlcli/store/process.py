"""Whether the process of a run is alive.

A process id is not enough: ids are reused, and a container has its own. A record therefore also has the process's
start time and the boot id of the machine; and the process holds a lock on a file in the run's folder (for a trial:
the sweep's), which the kernel releases when the process ends, in whichever container.
"""

import os
import socket
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlcli.locks import is_locked, lock
from mlcli.system import process_exists

if TYPE_CHECKING:
    from filelock import FileLock

LOCK = ".running.lock"
TIMEOUT = 1.0  # seconds for which others may hold the lock to find out whether it is held
_held: "dict[Path, FileLock]" = {}


def current_process() -> dict[str, Any]:
    """The fields of a record that identify this process."""
    return {
        "host": socket.gethostname(),
        "boot": boot_id(),
        "pid": os.getpid(),
        "process_started": start_time(os.getpid()),
    }


@cache
def boot_id() -> str | None:
    """The boot id of the kernel, equal in all containers of the machine; None without Linux's /proc."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        return None


def start_time(pid: int) -> int | None:
    """Start time of a process in ticks of the kernel's clock; None if unknown."""
    found = _stat(pid)
    return int(found[19]) if found else None


def hold_lock(folder: Path) -> bool:
    """Locks the folder's LOCK until `release_lock` or the end of this process. False if another process holds it."""
    deadline = time.monotonic() + TIMEOUT
    try:
        while (held := lock(folder / LOCK)) is None and time.monotonic() < deadline:
            time.sleep(0.005)
    except OSError:  # a file system without locks
        with suppress(OSError):
            (folder / LOCK).unlink(missing_ok=True)
        return True
    if held is not None:
        _held[folder] = held
    return held is not None


def release_lock(folder: Path) -> None:
    held = _held.pop(folder, None)
    if held is not None:
        held.release()
        with suppress(OSError):  # Windows keeps a file that another process has open
            (folder / LOCK).unlink(missing_ok=True)


def is_alive(record: dict[str, Any], folder: Path) -> bool | None:
    """None if unknown, because it runs on another machine."""
    is_here = record["host"] == socket.gethostname()
    known = record.get("boot") is not None and boot_id() is not None  # no: of an earlier version, or not Linux
    if not known and not is_here:
        return None
    if known and record["boot"] != boot_id():
        return False if is_here else None  # False: this machine has rebooted
    locked = is_locked((folder.parent if record.get("parent") else folder) / LOCK)
    if locked is not None:
        return locked
    return not _is_gone(record["pid"], record.get("process_started") if known else None)


def _is_gone(pid: int, since: int | None) -> bool:
    if not process_exists(pid):
        return True
    found = _stat(pid)
    if found is None:
        return False
    # A killed process stays in the process table (Z) until its parent has read its status.
    return found[0] == "Z" or (since is not None and int(found[19]) != since)


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third on."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
