"""How runs fail: the exception, the line that tells it, and what is an interruption and no failure."""

import signal


class RunFailed(Exception):
    """A run that could not be completed; its folder says so, and the log there holds the traceback."""


def first_line(error: BaseException) -> str:
    """The exception's type and the first line of its message."""
    return f"{type(error).__name__}: {error}".strip().splitlines()[0]


def is_interrupt(error: BaseException) -> bool:
    """Whether this is Ctrl-C or SIGTERM, and not a `sys.exit` in the code of a model or data set."""
    if isinstance(error, SystemExit):
        return error.code == 128 + signal.SIGTERM
    return isinstance(error, KeyboardInterrupt)
