"""A process that works beside training."""

import os
import resource
from contextlib import suppress
from pathlib import Path

NICENESS = 10  # of processes that training comes before


def raise_open_file_limit() -> None:
    """Each trial that is under way holds a lock; the usual limit is 1,024 open files."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # some systems do not mean the limit that they name
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def lower_priority() -> None:
    """Training comes first. Linux may give a session of its own the share of a whole other program, whatever the
    niceness of its processes: two threads that wait for each other at every step then wait for MLflow to load."""
    os.nice(NICENESS)
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(NICENESS))
