"""Priority and resource limits of a process that runs beside training."""

import os
import resource
from contextlib import suppress
from pathlib import Path

NICENESS = 10


def raise_open_file_limit() -> None:
    """Raises the limit of open files to the maximum: each running trial holds a lock, and the usual limit is
    1,024."""
    _, maximum = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # some systems refuse the maximum that they report
        resource.setrlimit(resource.RLIMIT_NOFILE, (maximum, maximum))


def lower_priority() -> None:
    """Lowers the priority of this process and of its session. Linux's autogroup scheduling gives each session an
    equal share of the CPU whatever the niceness of its processes, which would slow down training."""
    os.nice(NICENESS)
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(NICENESS))
