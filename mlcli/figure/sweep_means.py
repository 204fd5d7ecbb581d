"""What pictures of a sweep know of its trials: means over repeats, the best setting, and how that is told.

Trials are {"trial", "values" (one a key), "score", "pruned"}; equal values are repeats. What was pruned counts in no
mean beside a finished repeat, and is never the best if any has finished.
"""

import math
from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

Trial = dict[str, Any]


@dataclass(frozen=True)
class Mean:
    """Of the repeats of one setting; their deviation is None for a single one."""

    score: float
    deviation: float | None
    pruned: bool

    @property
    def low(self) -> float:
        return self.score - (self.deviation or 0.0)

    @property
    def high(self) -> float:
        return self.score + (self.deviation or 0.0)

    def __str__(self) -> str:
        return plus_minus(self.score, self.deviation) if self.deviation else f"{self.score:.4g}"


Means = dict[tuple[Any, ...], Mean]


def means_of(trials: list[Trial]) -> Means:
    repeats: dict[tuple[Any, ...], list[Trial]] = defaultdict(list)
    for trial in trials:
        repeats[tuple(trial["values"])].append(trial)
    return {at: mean_of(alike) for at, alike in repeats.items()}


def mean_of(trials: list[Trial]) -> Mean:
    finished = [trial["score"] for trial in trials if not trial["pruned"]]
    scores = finished or [trial["score"] for trial in trials]
    deviation = stdev(scores) if len(scores) > 1 else None
    return Mean(fmean(scores), deviation, not finished)


def best_of(means: Means, better: str) -> tuple[tuple[Any, ...], Mean]:
    sign = -1 if better == "max" else 1
    return min(means.items(), key=lambda item: (item[1].pruned, sign * item[1].score))


def plus_minus(mean: float, deviation: float) -> str:
    """As in 0.0412 ± 0.0031: two significant figures of the deviation, and the mean to the same place."""
    if deviation < 1e-12 * abs(mean):  # rounding of equal values
        deviation = 0.0
    if not 1e-6 <= deviation < 1e6:
        return f"{mean:.4g} ± {deviation:.2g}"
    places = max(1 - math.floor(math.log10(deviation)), 0)
    return f"{mean:.{places}f} ± {deviation:.{places}f}"


def note_of(trials: list[Trial], means: Means, left_out: int, pruned_are: str = "hollow") -> str:
    parts = [f"{len(trials):,} trial{'s' if len(trials) != 1 else ''}"]
    if pruned := sum(trial["pruned"] for trial in trials):
        parts[0] += f", {pruned:,} of them pruned ({pruned_are})"
    if len(means) < len(trials):
        parts.append(f"means of {math.ceil(len(trials) / len(means))} repeats")
    if left_out:
        parts.append(f"{left_out} without a score left out")
    return "; ".join(parts)


def deviation_note(means: Means, drawn: str) -> str:
    return f"; {drawn}: ± 1 standard deviation" if any(mean.deviation for mean in means.values()) else ""


def short(key: str) -> str:
    return key.rpartition(".")[2]
