"""Times trials as a stack against one by one, for layers that the rule of `mlcli.sweep.stack_rule` does not know."""

from collections.abc import Sequence
from math import inf
from time import perf_counter
from typing import Any

import torch

from mlcli.config.settings import Settings
from mlcli.run.build import Parts, build
from mlcli.run.stacked import stack_of
from mlcli.sweep.choice import Choice

TURNS = 5  # after a warm-up step; the least time of each counts, since other processes can only add to it


def choose_by_timing(parts: Sequence[Parts], cfg: Settings) -> Choice:
    """The faster way for these trials, by steps of a stack and of one trial in turns. The trials do not change.

    Raises CannotStack, and whatever a step raises.
    """
    device, threads = parts[0].device, parts[0].threads
    single = build(cfg, parts[0].data, parts[0].loader).task
    torch.set_num_threads(threads)
    ways: list[Any] = [stack_of(parts), single]
    batches = [next(iter(way.batches(0))) for way in ways]
    least = [inf, inf]
    for turn in range(1 + TURNS):
        for place, (way, batch) in enumerate(zip(ways, batches, strict=True)):
            seconds = _seconds(way, batch, device)
            if turn:
                least[place] = min(least[place], seconds)
    together, alone = least
    times = f"{together * 1e3:.3g} ms per stacked step, {alone * 1e3:.3g} ms per step of one trial"
    return Choice(together < alone * len(parts), "timing", f"timed, as the rule does not know its layers: {times}")


def _seconds(way: Any, batch: Any, device: torch.device) -> float:
    start = perf_counter()
    way.step(batch)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return perf_counter() - start
