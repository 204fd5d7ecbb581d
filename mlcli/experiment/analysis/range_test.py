"""The learning-rate range test of Smith (2017, arXiv 1506.01186): one network trains while its rate rises."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from math import isfinite

from mlcli.figure.panels import Curve
from mlcli.run.build import Parts

LOWEST, HIGHEST = 1e-4, 10.0
SMOOTH = 0.9  # what the running mean of the loss keeps at each update
BEGUN = 0.1  # share of the whole fall of the loss from which on learning has begun
RUINED = 4.0  # times the lowest loss: no higher rate is worth a try


@dataclass(frozen=True)
class Range:
    """Loss by rate, the rate from which on it falls, and the one where it is lowest: between them a cycle may run."""

    curve: Curve
    low: float
    high: float


def range_test(parts: Parts, updates: int = 300) -> Range:
    """Trains `parts`, fresh from build, for at most so many updates; the rate grows by the same factor at each."""
    update = parts.task.update  # type: ignore[attr-defined]  # of a task that trains by gradient
    base = update.base_rates[0]
    update.schedule = lambda step, *_: LOWEST / base * (HIGHEST / LOWEST) ** (step / updates)
    rates: list[float] = []
    losses: list[float] = []
    for loss in _smoothed(float(parts.task.step(batch)["loss"]) for batch in _batches(parts, updates)):
        if not isfinite(loss) or loss > RUINED * min([*losses, loss]):
            break
        rates.append(update.rate)
        losses.append(loss)
    return Range(Curve(rates, list(losses)), *_ends(rates, losses))


def _batches(parts: Parts, updates: int) -> Iterator[object]:
    for epoch in count():
        for batch in parts.task.batches(epoch):
            if updates == 0:
                return
            updates -= 1
            yield batch


def _smoothed(losses: Iterator[float]) -> Iterator[float]:
    """The exponential running mean, without the bias towards its start at 0."""
    mean = 0.0
    for step, loss in enumerate(losses, 1):
        mean = SMOOTH * mean + (1 - SMOOTH) * loss
        yield mean / (1 - SMOOTH**step)


def _ends(rates: Sequence[float], losses: Sequence[float]) -> tuple[float, float]:
    lowest = min(range(len(losses)), key=losses.__getitem__)
    begun = losses[0] - BEGUN * (losses[0] - losses[lowest])
    first = next(place for place, loss in enumerate(losses) if loss <= begun)
    return rates[first], rates[lowest]
