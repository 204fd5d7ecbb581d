"""Whether the process of a run is alive.

A process id is not enough: ids are reused, and a container has its own. A record therefore also has the process's
start time and the boot id of the machine; and the process holds a lock on a file in the run's folder (for a trial:
the sweep's), which the kernel releases when the process ends, in whichever container.
"""

import fcntl
import os
import socket
from functools import cache
from pathlib import Path
from typing import IO, Any

from mlcli.files import open_own

LOCK = ".running.lock"
_held: dict[Path, int] = {}  # file descriptors


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
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None


def start_time(pid: int) -> int | None:
    """Start time of a process in ticks of the kernel's clock; None if unknown."""
    found = _stat(pid)
    return int(found[19]) if found else None


def hold_lock(folder: Path) -> None:
    """Locks the folder's LOCK until `release_lock` or the end of this process."""
    try:
        handle = open_own(folder / LOCK)
    except OSError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # `_is_locked` of another process holds it for a moment at most
    except OSError:  # a file system without locks
        os.close(handle)
        (folder / LOCK).unlink(missing_ok=True)
    else:
        _held[folder] = handle


def release_lock(folder: Path) -> None:
    handle = _held.pop(folder, None)
    if handle is not None:
        (folder / LOCK).unlink(missing_ok=True)
        os.close(handle)


def is_alive(record: dict[str, Any], folder: Path) -> bool | None:
    """None if unknown, because it runs on another machine."""
    if record.get("boot") is None or boot_id() is None:  # of an earlier version, or not Linux
        return None if record["host"] != socket.gethostname() else not _is_gone(record["pid"], None)
    if record["boot"] != boot_id():
        return False if record["host"] == socket.gethostname() else None  # False: this machine has rebooted
    locked = _is_locked((folder.parent if record.get("parent") else folder) / LOCK)
    if locked is not None:
        return locked
    return not _is_gone(record["pid"], record.get("process_started"))


def lock_file(path: Path) -> IO[str] | None:
    """The file, locked until it is closed; None if another process holds the lock, or it cannot be written."""
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


def _is_locked(path: Path) -> bool | None:
    """None if there is no such file, or it cannot be opened."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(handle)
    return False


def _is_gone(pid: int, since: int | None) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        pass
    found = _stat(pid)
    if found is None:
        return False
    # A killed process stays in the process table (Z) until its parent has read its status.
    return found[0] == "Z" or (since is not None and int(found[19]) != since)


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third on."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
