"""Processes of this command that write into run folders while it works, for code that waits for what they write."""

import subprocess

_processes: "list[subprocess.Popen[str]]" = []


def add_writer(process: "subprocess.Popen[str]") -> None:
    """Adds a process that has just been started."""
    _processes.append(process)


def has_writer() -> bool:
    """Whether one of them is still running."""
    return any(process.poll() is None for process in _processes)
