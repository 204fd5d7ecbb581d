"""Keeps the memory that one optimisation step frees in the process, for the next step."""

import ctypes
from contextlib import suppress
from functools import cache

# As malloc.h names and numbers them; the values are bytes.
SETTINGS = {
    "M_MMAP_THRESHOLD": (-3, 32 << 20),  # the maximum; larger blocks are allocated by mmap
    "M_TRIM_THRESHOLD": (-1, 1 << 30),  # free memory at the end of the heap before some is returned
    "M_TOP_PAD": (-2, 64 << 20),  # allocated at a time
}


@cache
def keep_freed_memory() -> None:
    """Raises the thresholds at which glibc's malloc returns memory to the system. By default it returns activations
    and gradients in each optimisation step, and the system zeroes the pages when they are allocated again. Has no
    effect without glibc."""
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, value in SETTINGS.values():
            mallopt(parameter, value)
