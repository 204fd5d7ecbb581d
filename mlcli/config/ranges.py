"""Ranges of numbers in signatures: `dropout: Annotated[float, Range(0, 1)] = 0.0`.

Constructors are the schema of the configs; annotated values are validated before anything is built.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, excluding an open end. None: unbounded."""

    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False

    def __contains__(self, value: float) -> bool:
        above = self.low is None or (value > self.low if self.low_open else value >= self.low)
        below = self.high is None or (value < self.high if self.high_open else value <= self.high)
        return above and below

    def __str__(self) -> str:
        low = "" if self.low is None else f"{'greater than' if self.low_open else 'at least'} {self.low:g}"
        high = "" if self.high is None else f"{'less than' if self.high_open else 'at most'} {self.high:g}"
        return " and ".join(part for part in (low, high) if part)
