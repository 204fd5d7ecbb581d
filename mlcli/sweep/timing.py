"""Whether trials are faster as a stack or one by one: a few steps of both tell."""

from collections.abc import Sequence
from math import inf
from time import perf_counter
from typing import Any

import torch

from mlcli.machine import device as devices
from mlcli.run.build import Parts, build
from mlcli.run.stacked import stack_of

TIMED = 3  # steps, after one that warms up


def measure_speedup(parts: Sequence[Parts], cfg: Any) -> tuple[float, str]:
    """How many times as fast a stack of these is as one by one, and what was measured, in words.

    Raises CannotStack with the reason where they cannot be a stack, and whatever a step or an evaluation of them
    raises. Nothing of the steps that it takes is kept.
    """
    device, stack = parts[0].device, stack_of(parts)
    single = build(cfg, parts[0].data, parts[0].loader)
    alone, together = _seconds_a_step(single.task, device), inf
    for threads in reversed(devices.thread_counts(cfg.device.threads)):
        torch.set_num_threads(threads)
        together = min(together, _seconds_a_step(stack, device))
        if together < alone * len(parts):
            break  # with which number it is the fastest shows while it trains
    if cfg.split.val:
        stack.evaluate("val", full=False)
    times = f"{together * 1e3:.3g} ms a step together, {alone * 1e3:.3g} ms each alone"
    return alone * len(parts) / together, times


def _seconds_a_step(task: Any, device: torch.device) -> float:
    """The least of some steps, after one that warms up."""
    batch = next(iter(task.batches(0)))
    task.step(batch)
    times = []
    for _ in range(TIMED):
        start = perf_counter()
        task.step(batch)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(perf_counter() - start)
    return min(times)
