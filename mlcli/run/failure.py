"""How runs fail: the exception, its description in one line, and which exceptions are interruptions."""

import errno
import os
import signal

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NO_SPACE = "no space is left on the disk"


class RunFailed(Exception):
    """A run that failed; its folder records the reason, and its log the traceback."""


def first_line(error: BaseException) -> str:
    """The exception's type and the first line of its message, if it has one; or NO_SPACE."""
    if is_disk_full(error):
        return NO_SPACE
    message = str(error).strip()
    return f"{type(error).__name__}: {message.splitlines()[0]}" if message else type(error).__name__


def is_disk_full(error: BaseException | None) -> bool:
    """Whether the error, or one that caused it, means a full disk. That of safetensors has only a text."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        if type(error).__name__ == "SafetensorError" and any(os.strerror(code) in str(error) for code in FULL):
            return True
        error = error.__cause__ or error.__context__
    return False


def is_interrupt(error: BaseException) -> bool:
    """Whether the error is Ctrl-C or SIGTERM; a `sys.exit` in the code of a model or data set is not."""
    if isinstance(error, SystemExit):
        return error.code == 128 + signal.SIGTERM
    return isinstance(error, KeyboardInterrupt)


def end_of(error: BaseException) -> tuple[str, str]:
    """Status and reason of a run that this error ended."""
    return ("KILLED", "interrupted") if is_interrupt(error) else ("FAILED", first_line(error))
