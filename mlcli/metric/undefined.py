"""Metrics that are undefined for the given examples are left out: never 0, never NaN."""

import logging
from math import isfinite

ONE_EXAMPLE = "it takes two examples or more"  # a reason

log = logging.getLogger("mlcli.metric")


def left_out(metric: str, reason: str) -> None:
    """Logs a metric that is left out; a run's log has each of these lines once."""
    log.warning("%s is left out: %s", metric, reason)


class Once(logging.Filter):
    """Lets each line of this module through once."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if record.name != log.name or text not in self.seen:
            self.seen.add(text)
            return True
        return False


def finite(value: float) -> float | None:
    """The value, or None if it is NaN or infinite."""
    return float(value) if isfinite(value) else None
