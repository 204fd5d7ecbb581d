"""Helper processes: Ctrl-C is the parent's to handle, and they end when the parent does, however it ends."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any

# For what is computed with other libraries than torch.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

EXIT_TIMEOUT = 5.0  # seconds that a process may take to be gone after it has closed its pipe


def setup_child_process() -> None:
    """What a helper process does first. A pool's workers wait for work for ever once their parent was killed: each
    of them keeps the queue's pipe open for the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole process group
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Waits for the end of a pipe whose other end the parent alone holds."""
    parent = parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


@contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Processes that are started inside do not receive Ctrl-C before they are helpers. One that arrives meanwhile
    reaches this process at the end."""
    resource_tracker.ensure_running()  # which would let them through again when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Worker:
    """A process that calls functions, one after another, each with one thread. `connection` is ready (see
    `multiprocessing.connection.wait`) when a call has ended or the process has."""

    def __init__(self) -> None:
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs,))
        with interrupts_blocked():
            self.process.start()
        theirs.close()

    def call(self, function: Callable[..., Any], *arguments: Any) -> None:
        with suppress(OSError):  # a process that has ended: `outcome` says so
            self.connection.send((function, arguments))

    def outcome(self) -> Any:
        """What the function returned. Raises EOFError if the process has ended."""
        try:
            return self.connection.recv()
        except (EOFError, OSError) as error:
            self.process.join(EXIT_TIMEOUT)
            raise EOFError from error

    def end(self) -> int:
        """Kills the process. Returns its exit status, which is negative for the signal that ended it."""
        self.connection.close()
        self.process.kill()
        self.process.join()
        return self.process.exitcode or 0


def _work(connection: Connection) -> None:
    setup_child_process()
    os.environ.update(dict.fromkeys(THREADS, "1"))  # before the first function brings its libraries
    with suppress(EOFError):
        while True:
            function, arguments = connection.recv()
            connection.send(function(*arguments))
