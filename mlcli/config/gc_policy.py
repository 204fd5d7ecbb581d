"""The frequency of garbage collections. Imports nothing but gc, so that it can be used before anything else."""

import gc

# Allocations between two collections. Importing torch creates a million objects and no garbage, so collecting at the
# default of 700 would slow it down.
COLLECT_EVERY = 50_000


def collect_rarely() -> None:
    """Sets a high threshold, and enables garbage collection if it was disabled."""
    gc.set_threshold(COLLECT_EVERY, 20, 100)
    gc.enable()
