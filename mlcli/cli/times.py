"""Moments and durations as text."""

import time

MINUTE, HOUR, DAY, MONTH = 60, 3600, 86_400, 30 * 86_400


def moment(seconds: float) -> str:
    """The date and time of a moment, given in seconds since 1970."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def ago(seconds: float, now: float | None = None) -> str:
    """A moment relative to now, as `3 min ago`; its date after 30 days, and if it is in the future."""
    passed = (time.time() if now is None else now) - seconds
    if not -1 < passed < MONTH:
        return moment(seconds)[:10]
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if passed >= unit:
            return f"{int(passed // unit)} {name} ago"
    return f"{max(int(passed), 0)} s ago"


def duration(seconds: float) -> str:
    """A duration in its two largest units, as `3 min 20 s`; below a minute with decimals."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    for unit, name, smaller, rest in ((DAY, "d", HOUR, "h"), (HOUR, "h", MINUTE, "min"), (MINUTE, "min", 1, "s")):
        if seconds >= unit:
            return f"{int(seconds // unit)} {name} {int(seconds % unit // smaller)} {rest}"
    raise AssertionError(seconds)
