"""Means of the weights over the updates, which often predict better than the last weights do."""

from dataclasses import dataclass
from typing import Annotated, Literal

from mlcli.config.ranges import Range


@dataclass(frozen=True)
class Averaging:
    """How far the mean moves towards the weights after an update.

    ema: an exponential mean (Polyak & Juditsky 1992) that forgets by `decay`, faster during the first updates.
    swa: the plain mean of all weights since the share `start` of the training (Izmailov et al. 2018, arXiv
    1803.05407); before that it is the weights themselves.
    """

    kind: Literal["ema", "swa"]
    decay: Annotated[float, Range(0, 1)] = 0.99
    start: Annotated[float, Range(0, 1)] = 0.75

    def share(self, step: int, total_steps: int) -> float:
        """Between 0 (stay) and 1 (become the weights), after the update `step`, counted from 0, which is the
        first that the mean knows."""
        if self.kind == "ema":
            return 1 - min(self.decay, (1 + step) / (10 + step))
        return 1 / (max(0, step - int(self.start * total_steps)) + 1)
