"""How runs fail: the exception, the line that tells it, and what is an interruption and no failure."""

import errno
import os
import signal

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NO_SPACE = "no space is left on the disk"


class RunFailed(Exception):
    """A run that could not be completed; its folder says so, and the log there holds the traceback."""


def first_line(error: BaseException) -> str:
    """The exception's type and the first line of its message; of a full disk that it is."""
    if is_disk_full(error):
        return NO_SPACE
    return f"{type(error).__name__}: {error}".strip().splitlines()[0]


def is_disk_full(error: BaseException | None) -> bool:
    """Whether that is what it is about, or what it followed from. safetensors has but words for it."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        if type(error).__name__ == "SafetensorError" and any(os.strerror(code) in str(error) for code in FULL):
            return True
        error = error.__cause__ or error.__context__
    return False


def is_interrupt(error: BaseException) -> bool:
    """Whether this is Ctrl-C or SIGTERM, and not a `sys.exit` in the code of a model or data set."""
    if isinstance(error, SystemExit):
        return error.code == 128 + signal.SIGTERM
    return isinstance(error, KeyboardInterrupt)
