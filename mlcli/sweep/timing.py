"""Measures whether trials train faster as a stack or one by one, by a few steps of both."""

from collections.abc import Sequence
from math import inf
from time import perf_counter
from typing import Any

import torch

from mlcli.machine import device as devices
from mlcli.run.build import Parts, build
from mlcli.run.stacked import stack_of

TIMED_STEPS = 3  # after a warm-up step


def measure_speedup(parts: Sequence[Parts], cfg: Any) -> tuple[float, str]:
    """The speed-up of a stack of these trials over training them one by one, and a text with the measured times.

    Raises CannotStack, and whatever a step of the stack raises. The measured steps do not change the trials.
    """
    device, stack = parts[0].device, stack_of(parts)
    single = build(cfg, parts[0].data, parts[0].loader)
    alone, together = _seconds_per_step(single.task, device), inf
    for threads in reversed(devices.thread_counts(cfg.device.threads)):
        torch.set_num_threads(threads)
        together = min(together, _seconds_per_step(stack, device))
        if together < alone * len(parts):
            break  # the number of threads is tuned during training
    times = f"{together * 1e3:.3g} ms per stacked step, {alone * 1e3:.3g} ms per step of one trial"
    return alone * len(parts) / together, times


def _seconds_per_step(task: Any, device: torch.device) -> float:
    """The minimum over some steps, after a warm-up step."""
    batch = next(iter(task.batches(0)))
    task.step(batch)
    times = []
    for _ in range(TIMED_STEPS):
        start = perf_counter()
        task.step(batch)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(perf_counter() - start)
    return min(times)
