"""How many threads are the fastest, found out while it trains: other programs come and go, mlcli's own (MLflow's
courier, the plot pool) among them."""

from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch

TRIED = 2  # steps with each number of threads; the fastest counts
FIRST_PAUSE = 0.5  # seconds until they are tried again, and twice as long each time,
LONGEST_PAUSE = 10.0  # but no longer than this


class FastestThreads:
    """A task's `step`, computed with that of the given numbers of threads which is the fastest just then. For stacks,
    whose numbers do not depend on it."""

    def __init__(self, step: Callable[[Any], dict[str, Any]], counts: list[int]) -> None:
        self.step = step
        self.counts = counts
        self.waiting: list[int] = []  # to be tried
        self.seconds: dict[int, float] = {}
        self.pause = FIRST_PAUSE
        self.again_at = 0.0

    def __call__(self, batch: Any) -> dict[str, Any]:
        start = perf_counter()
        if not self.waiting:
            if start < self.again_at:
                return self.step(batch)
            self.waiting, self.seconds = self.counts * TRIED, {}
        threads = self.waiting.pop()
        torch.set_num_threads(threads)
        values = self.step(batch)
        now = perf_counter()
        self.seconds[threads] = min(self.seconds.get(threads, now), now - start)
        if not self.waiting:
            torch.set_num_threads(min(self.counts, key=self.seconds.__getitem__))
            self.again_at, self.pause = now + self.pause, min(2 * self.pause, LONGEST_PAUSE)
        return values
