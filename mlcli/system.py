"""What differs between operating systems: Linux, macOS and Windows. Imports nothing of mlcli.

Where a system lacks something, its function does the nearest thing that is safe, as its docstring says.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
NONBLOCK = getattr(os, "O_NONBLOCK", 0)
BINARY = getattr(os, "O_BINARY", 0)  # Windows otherwise translates line ends
NICENESS = 10
OPEN_FILES = (10_240, 4_096)  # limits to try where the maximum that a system reports is refused, as by macOS
REPLACING = 2.0  # seconds for which Windows may refuse to replace a file that a reader has open
MEMORY = 4 << 30  # bytes; assumed where the system does not tell


def open_descriptor(path: Path, flags: int) -> int:
    """Like os.open, for binary content, without following a link or waiting for the writer of a pipe. Raises OSError,
    also for a link."""
    if not NOFOLLOW and path.is_symlink():
        raise OSError(f"{path} is a link, which is not followed")
    return os.open(path, flags | NOFOLLOW | NONBLOCK | BINARY, 0o666)


def replace(part: Path, path: Path) -> None:
    """Renames a file over another one. Waits on Windows while a reader has that open."""
    deadline = time.monotonic() + REPLACING
    while True:
        try:
            part.replace(path)
            return
        except PermissionError:
            if sys.platform != "win32" or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def sync(path: Path) -> None:
    """Syncs a file, or the entries of a folder, to the disk; on Windows, which cannot open folders, only files."""
    try:
        handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    except PermissionError:
        if path.is_dir():
            return
        raise
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def process_exists(pid: int) -> bool:
    """Whether there is a process of this id, of any user."""
    if sys.platform == "win32":  # where os.kill ends processes
        import ctypes

        kernel = ctypes.windll.kernel32
        handle, status = kernel.OpenProcess(0x1000, False, pid), ctypes.c_ulong()  # may query limited information
        if not handle:
            return bool(kernel.GetLastError() == 5)  # access denied
        kernel.GetExitCodeProcess(handle, ctypes.byref(status))
        kernel.CloseHandle(handle)
        return status.value == 259  # still active
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


@contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Blocks Ctrl-C, so that a process started inside cannot receive it before it calls `ignore_interrupts`. A
    blocked Ctrl-C is delivered to this process at the end. Does nothing on Windows, which cannot block it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # starting it later would unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def ignore_interrupts() -> None:
    """Leaves Ctrl-C, which is sent to all processes of a terminal, to the parent process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def detached() -> dict[str, Any]:
    """Arguments of subprocess.Popen for a process that Ctrl-C in the terminal does not reach."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def lower_priority() -> None:
    """Lowers the priority of this process. Does nothing on Windows."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)


def lower_session_priority() -> None:
    """Lowers the priority of a process with a session of its own. Linux's autogroup scheduling gives each session an
    equal share of the CPU whatever the niceness of its processes, which would slow down training."""
    lower_priority()
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(NICENESS), encoding="utf-8")


def raise_open_file_limit() -> None:
    """Raises the limit of open files: each running trial holds a lock, and the usual limit is 1,024, or 256. Windows
    has none."""
    try:
        import resource
    except ImportError:
        return
    now, maximum = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (maximum, *(each for each in OPEN_FILES if each > now)):
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, maximum))
            return


def cores() -> int:
    """The number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def free_memory() -> int:
    """Free bytes of memory; where Linux's /proc is missing, half of the machine's memory, or of MEMORY."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        known = hasattr(os, "sysconf")
        return (os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if known else MEMORY) // 2


def peak_memory() -> int | None:
    """The largest memory of this process so far, in bytes; None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
