"""Learning-rate schedules: the factor of the optimizer's learning rate at each update.

A schedule is called with `step` (the next update, from 0), `steps_per_epoch` and `total_steps`, and returns a factor.
It is a pure function of these numbers, so resuming needs no state and trials of a stack each have their own. Only
Plateau has a state, which depends on the scores that it has observed.

With optimizer.lr=1 they equal torch.optim.lr_scheduler's; lengths are in epochs where torch counts steps.
"""

from dataclasses import asdict, dataclass, field
from itertools import pairwise
from math import cos, floor, inf, log2, pi
from typing import Annotated, Any, Literal

from mlcli.config.ranges import Range

Share = Annotated[float, Range(0, 1)]
Positive = Annotated[float, Range(0, low_open=True)]
Decay = Annotated[float, Range(0, 1, low_open=True)]


@dataclass(frozen=True)
class Constant:
    """The optimizer's learning rate, unchanged."""

    def __call__(self, step: int, steps_per_epoch: int, total_steps: int) -> float:
        return 1.0


@dataclass(frozen=True)
class Step:
    """Multiplies the learning rate by `gamma` every `step_size` epochs (StepLR)."""

    step_size: Annotated[int, Range(1)] = 5
    gamma: Decay = 0.5

    def __call__(self, step: int, steps_per_epoch: int, total_steps: int) -> float:
        return float(self.gamma ** (step // steps_per_epoch // self.step_size))


@dataclass(frozen=True)
class Exponential:
    """Multiplies the learning rate by `gamma` after every epoch (ExponentialLR)."""

    gamma: Decay = 0.9

    def __call__(self, step: int, steps_per_epoch: int, total_steps: int) -> float:
        return float(self.gamma ** (step // steps_per_epoch))


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from 1 down to `min_factor` over the whole training (CosineAnnealingLR, without restarts).

    Loshchilov & Hutter 2017, SGDR, arXiv 1608.03983.
    """

    min_factor: Share = 0.0

    def __call__(self, step: int, steps_per_epoch: int, total_steps: int) -> float:
        return _cosine(1.0, self.min_factor, step / max(total_steps, 1))


@dataclass(frozen=True)
class FlatCosine:
    """1 for a share of the training, then half a cosine down to 0 (flat_cos in Holzmüller et al. 2024, arXiv
    2407.04491)."""

    flat: Annotated[float, Range(0, 1, high_open=True)] = 0.5

    def __call__(self, step: int, steps_per_epoch: int, total_steps: int) -> float:
        return _cosine(1.0, 0.0, max(step / max(total_steps, 1) - self.flat, 0.0) / (1 - self.flat))


@dataclass(frozen=True)
class CosLog:
    """`cycles` rises from 0 to 1 and falls back to 0, each twice as long as the one before: at the share t of the
    training ½ (1 − cos(2π log₂(1 + (2^cycles − 1) t))) (coslog4 in Holzmüller et al. 2024, arXiv 2407.04491)."""

    cycles: Annotated[int, Range(1)] = 4

    def __call__(self, step: int, steps_per_epoch: int, total_steps: int) -> float:
        share = min(step / max(total_steps, 1), 1.0)
        return (1 - cos(2 * pi * log2(1 + (2**self.cycles - 1) * share))) / 2


@dataclass(frozen=True)
class WarmupCosine:
    """Rises linearly to 1 during the warm-up, then half a cosine down to `min_factor`.

    warmup: below 1 a share of all updates, from 1 on a number of epochs.
    """

    warmup: Annotated[float, Range(0)] = 0.1
    min_factor: Share = 0.0

    def __call__(self, step: int, steps_per_epoch: int, total_steps: int) -> float:
        length = self.warmup * (total_steps if self.warmup < 1 else steps_per_epoch)
        rising = min(round(length), total_steps)
        if step < rising:
            return (step + 1) / (rising + 1)
        return _cosine(1.0, self.min_factor, (step - rising) / max(total_steps - rising, 1))


@dataclass(frozen=True)
class Cyclic:
    """Rises and falls linearly between `base_factor` and `max_factor`, again and again (CyclicLR).

    Smith 2017, Cyclical Learning Rates for Training Neural Networks, arXiv 1506.01186. `triangular` keeps the
    height of the triangles, `triangular2` halves it after each cycle, `exp_range` multiplies it by `gamma` at
    each update. `step_size_up` and `step_size_down` are in epochs; null for down is as long as up.
    """

    mode: Literal["triangular", "triangular2", "exp_range"] = "triangular"
    base_factor: Annotated[float, Range(0)] = 0.1
    max_factor: Positive = 1.0
    step_size_up: Positive = 2.0
    step_size_down: Positive | None = None
    gamma: Decay = 0.999

    def __call__(self, step: int, steps_per_epoch: int, total_steps: int) -> float:
        up = self.step_size_up * steps_per_epoch
        down = up if self.step_size_down is None else self.step_size_down * steps_per_epoch
        cycles = step / (up + down)
        done = floor(cycles)
        position, top = cycles - done, up / (up + down)
        height = position / top if position <= top else (1 - position) / (1 - top)
        return self.base_factor + (self.max_factor - self.base_factor) * height * self._scale(done, step)

    def _scale(self, cycles: int, step: int) -> float:
        scales = {"triangular": 1.0, "triangular2": 0.5**cycles, "exp_range": self.gamma**step}
        return scales[self.mode]


@dataclass(frozen=True)
class OneCycle:
    """One rise to 1 and one long fall to almost 0 (OneCycleLR; its arguments, with max_lr = optimizer.lr).

    Smith & Topin 2018, Super-Convergence, arXiv 1708.07120. Starts at 1 / `div_factor`, peaks after the share
    `pct_start` of training, ends at 1 / (`div_factor` × `final_div_factor`). `three_phase` falls back to the
    start as slowly as it rose, and only then to the end. Momentum stays as it is.
    """

    pct_start: Share = 0.3
    div_factor: Positive = 25.0
    final_div_factor: Positive = 1e4
    anneal_strategy: Literal["cos", "linear"] = "cos"
    three_phase: bool = False

    def __call__(self, step: int, steps_per_epoch: int, total_steps: int) -> float:
        step = min(step, total_steps - 1)
        start = 1 / self.div_factor
        rise = self.pct_start * total_steps
        points = [(0.0, start), (rise - 1, 1.0), (total_steps - 1, start / self.final_div_factor)]
        if self.three_phase:
            points.insert(2, (2 * rise - 2, start))
        for (left, low), (right, high) in pairwise(points):
            if step <= right:
                return self._between(low, high, (step - left) / (right - left) if right > left else 1.0)
        return points[-1][1]

    def _between(self, start: float, end: float, share: float) -> float:
        return _cosine(start, end, share) if self.anneal_strategy == "cos" else start + (end - start) * share


@dataclass(frozen=True)
class PlateauState:
    """The state of Plateau after some scores."""

    factor: float = 1.0
    best: float | None = None
    bad_epochs: int = 0
    cooldown_left: int = 0


@dataclass
class Plateau:
    """Multiplies the learning rate by `factor` when the monitored score stops improving (ReduceLROnPlateau).

    It waits for more than `patience` epochs without improvement; after a reduction it does not count epochs for
    `cooldown` epochs. An improvement exceeds `threshold`, relative to the size of the best score or absolute.
    min_factor: the lower bound of the product of all factors. higher: whether higher scores are better; supplied by
    the run for trainer.monitor.
    """

    higher: bool = False
    factor: Annotated[float, Range(0, 1, high_open=True)] = 0.5
    patience: Annotated[int, Range(0)] = 3
    threshold: Annotated[float, Range(0)] = 1e-4
    threshold_mode: Literal["rel", "abs"] = "rel"
    cooldown: Annotated[int, Range(0)] = 0
    min_factor: Share = 0.0
    state: PlateauState = field(default=PlateauState(), init=False)

    def __call__(self, step: int, steps_per_epoch: int, total_steps: int) -> float:
        return self.state.factor

    def observe(self, score: float) -> None:
        """Takes the monitored score of the epoch that has just ended."""
        self.state = self.after(self.state, score)

    def after(self, state: PlateauState, score: float) -> PlateauState:
        """The state after one more score."""
        better = self._improves(score, state.best)
        best = score if better else state.best
        bad_epochs = 0 if better or state.cooldown_left > 0 else state.bad_epochs + 1
        if bad_epochs <= self.patience:
            return PlateauState(state.factor, best, bad_epochs, max(state.cooldown_left - 1, 0))
        return PlateauState(max(state.factor * self.factor, self.min_factor), best, 0, self.cooldown)

    def _improves(self, score: float, best: float | None) -> bool:
        if best is None:
            return score > -inf if self.higher else score < inf
        margin = self.threshold * (abs(best) if self.threshold_mode == "rel" else 1.0)
        return score > best + margin if self.higher else score < best - margin

    def state_dict(self) -> dict[str, Any]:
        """What resuming needs."""
        return asdict(self.state)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.state = PlateauState(**state)


def _cosine(start: float, end: float, share: float) -> float:
    """Half a cosine from `start` at share 0 to `end` at share 1 and beyond."""
    return end + (start - end) * (1 + cos(pi * min(share, 1.0))) / 2
