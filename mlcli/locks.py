"""Locks between processes. The system releases the lock of a process that ends, however it ends. Imports nothing of
mlcli.

filelock uses flock on Linux and macOS and LockFileEx on Windows; where there is neither, a file with the id of the
process.
"""

import errno
import os
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import FileLock

PROBES = 3  # attempts at a lock that another process may hold only to find out whether it is held
PAUSE = 0.005  # seconds between them


def lock(path: Path) -> "FileLock | None":
    """A lock on the file, which is created if necessary, until its `release`; None if another process holds it.

    Raises OSError for a file that cannot be written or locked, and for a link.
    """
    if not path.parent.is_dir():  # filelock would create it
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those about the file with an id
        from filelock import FileLock, Timeout

        made = FileLock(path, thread_local=False)
        try:
            made.acquire(blocking=False)
        except Timeout:
            return None
    return made


def try_lock(path: Path) -> "FileLock | None":
    """Like `lock`; None also if the file cannot be written or locked."""
    try:
        return lock(path)
    except OSError:
        return None


def is_locked(path: Path) -> bool | None:
    """Whether another process, or this one, holds a lock on the file. None if unknown: there is no such file, or it
    cannot be locked."""
    for _ in range(PROBES):
        if not path.is_file() or path.is_symlink():
            return None
        try:
            held = lock(path)
        except OSError:
            return None
        if held is not None:
            held.release()
            return False
        time.sleep(PAUSE)
    return True
