"""Means over repeats: trials of a sweep that differ in their seed alone.

Trials are {"trial", "values" (one a key), "score", "pruned"}; equal values are repeats. A pruned trial does not count
in the mean of a setting of which a repeat has finished.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, TypedDict

Trial = dict[str, Any]
Setting = tuple[Any, ...]


class Mean(TypedDict):
    """Mean and standard deviation of the scores of repeats; the deviation is None for a single one."""

    score: float
    deviation: float | None
    pruned: bool


def mean_and_std(values: Sequence[float]) -> tuple[float, float | None]:
    """The mean and the standard deviation of a sample, None for a single value."""
    mean = math.fsum(values) / len(values)
    deviation = math.hypot(*(value - mean for value in values))
    return mean, deviation / math.sqrt(len(values) - 1) if len(values) > 1 else None


def mean_of(trials: Sequence[Trial]) -> Mean:
    finished = [trial["score"] for trial in trials if not trial["pruned"]]
    score, deviation = mean_and_std(finished or [trial["score"] for trial in trials])
    return Mean(score=score, deviation=deviation, pruned=not finished)


def means_by_setting(trials: Sequence[Trial]) -> dict[Setting, Mean]:
    repeats: dict[Setting, list[Trial]] = defaultdict(list)
    for trial in trials:
        repeats[tuple(trial["values"])].append(trial)
    return {setting: mean_of(own) for setting, own in repeats.items()}
