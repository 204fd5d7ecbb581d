"""Ctrl-C and SIGTERM while a run trains: the first one ends the training at the next place from which it can
continue, the second one at once."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from mlcli.run.checkpoints import Checkpoints

GRACE = 5.0  # seconds that a training may take to such a place
NUMBERS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """The signal that has arrived, if any."""

    def __init__(self) -> None:
        self.number: int | None = None
        self.since = 0.0
        self.handlers: dict[int, Any] = {}  # of before

    def handle(self, number: int, frame: FrameType | None) -> None:
        if self.number is not None:
            self.handlers[number](number, frame)
        self.number, self.since = number, time.monotonic()

    def end_if_due(self, checkpoints: Checkpoints) -> None:
        """After a signal, saves a checkpoint and raises what the signal raises without this module, KeyboardInterrupt
        or SystemExit. Where the training cannot be saved, waits for a place where it can, for GRACE seconds."""
        if self.number is None:
            return
        if checkpoints.can_save:
            checkpoints.save()
        elif checkpoints.is_on and time.monotonic() - self.since < GRACE:
            return
        self.handlers[self.number](self.number, None)


@contextmanager
def deferred() -> Iterator[Interruption]:
    """Defers the signals to `end_if_due`. Those that are ignored, or end the process without an exception, stay as
    they are, as do all outside the main thread."""
    found = Interruption()
    if threading.current_thread() is threading.main_thread():
        found.handlers = {number: own for number in NUMBERS if callable(own := signal.getsignal(number))}
    for number in found.handlers:
        signal.signal(number, found.handle)
    try:
        yield found
    finally:
        for number, handler in found.handlers.items():
            signal.signal(number, handler)
    if found.number is not None:  # the training has ended before it could be saved
        found.handlers[found.number](found.number, None)
