"""The learning-rate range test of Smith (WACV 2017, arXiv 1506.01186): one network trains while its learning rate
grows exponentially."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from math import isfinite

from mlcli.figure.panels import Curve
from mlcli.run.build import Parts

LOWEST, HIGHEST = 1e-4, 10.0  # learning rates
MOMENTUM = 0.9  # of the running mean of the loss
FALL = 0.1  # fraction of the total fall of the loss after which it counts as falling
DIVERGED = 4.0  # times the lowest loss, at which the test stops


@dataclass(frozen=True)
class LearningRateRange:
    """Loss by learning rate; low: where the loss starts to fall; high: where it is lowest. A cyclic schedule runs
    between the two."""

    curve: Curve
    low: float
    high: float


def range_test(parts: Parts, updates: int = 300) -> LearningRateRange:
    """Trains freshly built `parts` for at most `updates` updates, each with the learning rate times a constant."""
    update = parts.task.update  # type: ignore[attr-defined]  # of a task that trains by gradient descent
    base = update.base_rates[0]
    update.schedule = lambda step, *_: LOWEST / base * (HIGHEST / LOWEST) ** (step / updates)
    rates: list[float] = []
    losses: list[float] = []
    for loss in _smoothed(float(parts.task.step(batch)["loss"]) for batch in _batches(parts, updates)):
        if not isfinite(loss) or loss > DIVERGED * min([*losses, loss]):
            break
        rates.append(update.rate)
        losses.append(loss)
    return LearningRateRange(Curve(rates, list(losses)), *_ends(rates, losses))


def _batches(parts: Parts, updates: int) -> Iterator[object]:
    for epoch in count():
        for batch in parts.task.batches(epoch):
            if updates == 0:
                return
            updates -= 1
            yield batch


def _smoothed(losses: Iterator[float]) -> Iterator[float]:
    """The exponential running mean with bias correction (Kingma & Ba 2015)."""
    mean = 0.0
    for step, loss in enumerate(losses, 1):
        mean = MOMENTUM * mean + (1 - MOMENTUM) * loss
        yield mean / (1 - MOMENTUM**step)


def _ends(rates: Sequence[float], losses: Sequence[float]) -> tuple[float, float]:
    lowest = min(range(len(losses)), key=losses.__getitem__)
    fallen = losses[0] - FALL * (losses[0] - losses[lowest])
    first = next(place for place, loss in enumerate(losses) if loss <= fallen)
    return rates[first], rates[lowest]
