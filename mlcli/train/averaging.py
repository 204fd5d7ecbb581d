"""Weight averaging: an average of the weights over the updates often generalises better than the last weights."""

from dataclasses import dataclass
from typing import Annotated, Literal

from mlcli.config.ranges import Range


@dataclass(frozen=True)
class Averaging:
    """The step size of the running average: average ← average + share · (weights − average).

    ema: an exponential moving average (Polyak & Juditsky 1992) with this `decay`, less during the first updates.
    swa: stochastic weight averaging, the mean of all weights after the fraction `start` of the updates (Izmailov et
    al. 2018, arXiv 1803.05407); before that, the weights themselves.
    """

    kind: Literal["ema", "swa"]
    decay: Annotated[float, Range(0, 1)] = 0.99
    start: Annotated[float, Range(0, 1)] = 0.75

    def share(self, step: int, total_steps: int) -> float:
        """From 0 (keep the average) to 1 (replace it by the weights), after update `step`, counted from 0."""
        if self.kind == "ema":
            return 1 - min(self.decay, (1 + step) / (10 + step))
        return 1 / (max(0, step - int(self.start * total_steps)) + 1)
