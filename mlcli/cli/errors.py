"""Exit statuses of commands: a user error is one line on stderr and status 2, never a traceback."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from mlcli.config.printable import printable

WRONG_INPUT = 2
FAILED = 1
INTERRUPTED = 130
TERMINATED = 143


@contextmanager
def user_errors() -> Iterator[None]:
    """Converts ConfigError to exit status 2, a failed run to 1, Ctrl-C to 130 and SIGTERM to 143."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    except KeyboardInterrupt as error:
        print(_with_notes("interrupted", error), file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
    except SystemExit as error:
        if error.code == TERMINATED and _notes(error):
            print(_with_notes("terminated", error), file=sys.stderr)
        raise
    except ValueError as error:
        from mlcli.config.errors import ConfigError

        if not isinstance(error, ConfigError):
            raise
        from mlcli.config.redact import redact

        print(f"error: {printable(redact(' '.join(str(error).split())))}", file=sys.stderr)
        raise SystemExit(WRONG_INPUT) from None
    except RunFailure as error:
        from mlcli.config.redact import redact

        print(f"failed: {printable(redact(str(error)))}", file=sys.stderr)
        raise SystemExit(FAILED) from None
    except Exception as error:
        from mlcli.run.failure import NO_SPACE, is_disk_full

        if not is_disk_full(error):
            raise
        print(f"failed: {NO_SPACE}", file=sys.stderr)
        raise SystemExit(FAILED) from None


class RunFailure(Exception):
    """A command has failed; the message is one sentence."""


def _notes(error: BaseException) -> list[str]:
    """What was added to an exception on its way, such as how to continue."""
    try:
        return error.__notes__
    except AttributeError:  # nothing was added
        return []


def _with_notes(text: str, error: BaseException) -> str:
    from mlcli.config.redact import redact

    return printable(redact("; ".join([text, *_notes(error)])))


def _terminate(number: int, frame: FrameType | None) -> None:
    raise SystemExit(TERMINATED)
