"""Child processes that leave Ctrl-C to their parent and exit when it does, however it ends."""

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from typing import Any

from mlcli.config.own_code import remove_own_code
from mlcli.system import ignore_interrupts, interrupts_blocked

# Threads of libraries other than torch.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

EXIT_TIMEOUT = 5.0  # seconds between the end of a process's pipe and of the process itself


def setup_child_process() -> None:
    """Call first in a child process: ignores Ctrl-C, and exits when the parent does.

    Without it the workers of a pool would wait forever after their parent was killed, because each of them keeps the
    pipe of the queue open for the others.
    """
    ignore_interrupts()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def setup_plot_process(own_folders: Sequence[str]) -> None:
    """The same for a process that plots, which inherits the parent's sys.path: without the user's own code. This
    function is here, because a process imports its module before the folders are removed."""
    setup_child_process()
    remove_own_code(own_folders)
    import_module("mlcli.sweep.plot_worker")  # in the processes of the fork server, it is there


def _end_with_parent() -> None:
    """Waits until a pipe whose other end only the parent holds is closed."""
    parent = parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


class Worker:
    """A process that calls functions one after another, with one thread. `connection` is ready (see
    `multiprocessing.connection.wait`) when a call or the process has ended."""

    def __init__(self) -> None:
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs,))
        with interrupts_blocked():
            self.process.start()
        theirs.close()

    def call(self, function: Callable[..., Any], *arguments: Any) -> None:
        with suppress(OSError):  # the process has ended, which `outcome` reports
            self.connection.send((function, arguments))

    def outcome(self) -> Any:
        """The return value of the function. Raises EOFError if the process has ended."""
        try:
            return self.connection.recv()
        except (EOFError, OSError) as error:
            self.process.join(EXIT_TIMEOUT)
            raise EOFError from error

    def kill(self) -> int:
        """Kills the process. Returns its exit status; a negative one is the number of the signal that ended it."""
        self.connection.close()
        self.process.kill()
        self.process.join()
        return self.process.exitcode or 0


def _work(connection: Connection) -> None:
    setup_child_process()
    os.environ.update(dict.fromkeys(THREADS, "1"))  # before a function imports the libraries that read them
    with suppress(EOFError):
        while True:
            function, arguments = connection.recv()
            connection.send(function(*arguments))
