"""Finds the fastest number of threads during training, again and again, since the load of the machine changes."""

from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch

TRIALS = 2  # steps with each number of threads, of which the fastest counts
FIRST_PAUSE = 0.5  # seconds until the next trials; doubled each time
LONGEST_PAUSE = 10.0  # upper bound of the pause


class FastestThreads:
    """Wraps a task's `step` to run with the currently fastest of the given numbers of threads. For stacks, whose
    results do not depend on it."""

    def __init__(self, step: Callable[[Any], dict[str, Any]], counts: list[int]) -> None:
        self.step = step
        self.counts = counts
        self.waiting: list[int] = []  # numbers of threads still to be timed
        self.seconds: dict[int, float] = {}
        self.pause = FIRST_PAUSE
        self.again_at = 0.0

    def __call__(self, batch: Any) -> dict[str, Any]:
        start = perf_counter()
        if not self.waiting:
            if start < self.again_at:
                return self.step(batch)
            self.waiting, self.seconds = self.counts * TRIALS, {}
        threads = self.waiting.pop()
        torch.set_num_threads(threads)
        values = self.step(batch)
        now = perf_counter()
        self.seconds[threads] = min(self.seconds.get(threads, now), now - start)
        if not self.waiting:
            torch.set_num_threads(min(self.counts, key=self.seconds.__getitem__))
            self.again_at, self.pause = now + self.pause, min(2 * self.pause, LONGEST_PAUSE)
        return values
