"""Memory that one step has freed stays with the process, for the next step."""

import ctypes
from contextlib import suppress
from functools import cache

# As malloc.h names and numbers them; the values are bytes.
SETTINGS = {
    "M_MMAP_THRESHOLD": (-3, 32 << 20),  # the most that glibc takes; blocks from here on come from the system
    "M_TRIM_THRESHOLD": (-1, 1 << 30),  # free at the end of the heap before some is given back
    "M_TOP_PAD": (-2, 64 << 20),  # asked for at a time
}


@cache
def keep_freed_memory() -> None:
    """Changes when glibc's malloc gives memory back. By default it does so at each step with a network's activations
    and gradients, and the system hands it out again page by page, filled with zeros: a tenth of the time of a small
    CNN with large batches. Does nothing where there is no glibc."""
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, value in SETTINGS.values():
            mallopt(parameter, value)
