"""The log file of a run or sweep."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlcli.config.redact import redact
from mlcli.metric.undefined import Once


class _Formatter(logging.Formatter):
    """Lines and tracebacks without credentials."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


class _File(logging.FileHandler):
    """A file handler that ignores write errors, as on a full disk."""

    def handleError(self, record: logging.LogRecord) -> None: ...

    def close(self) -> None:
        with suppress(OSError):
            super().close()


@contextmanager
def log_to(path: Path) -> Iterator[None]:
    """Sends log messages and warnings to a file."""
    handler = _File(path, delay=True, encoding="utf-8")
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(Once())
    root = logging.getLogger()
    root.addHandler(handler)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()
        if not any(isinstance(other, _File) for other in root.handlers):  # the sweep's log is around its trials'
            logging.captureWarnings(False)
