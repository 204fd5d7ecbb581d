"""What everything that learns can do. The loop, checkpoints, sweeps and serving know these verbs and no more."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from torch import Tensor


@dataclass
class Evaluation:
    """What one split says about a task.

    metrics: name → value, as tensors on the device or plain numbers; whoever reads them, syncs.
    columns, plots: only of a full evaluation: predictions as columns of one table, and the figures drawn
    from them (objects with `name` and `save(folder)`).
    """

    metrics: dict[str, Any]
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    plots: list[Any] = field(default_factory=list)


class Task(Protocol):
    """A plain object built from config and data, which holds its model, optimizer and randomness."""

    def batches(self, epoch: int) -> Iterable[Any]:
        """The batches of one epoch. All randomness of the epoch comes from the run's seed and `epoch`."""

    def step(self, batch: Any) -> dict[str, Any]:
        """One update. Tensors that it returns are averaged over the epoch; of plain numbers the last counts."""

    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        """Metrics of "train", "val" or "test"; changes nothing. `full` adds what is too slow for every epoch."""

    def observe(self, score: float) -> None:
        """The monitored score of the epoch that just ended, for schedules that react to it."""

    def predict(self, inputs: Tensor) -> dict[str, np.ndarray]:
        """Answers for raw inputs, B × the shape of one example, as columns of length B."""

    def state_dict(self) -> dict[str, Any]:
        """Everything a bit-exact resume needs; "model" holds the weights that serving needs."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts a saved state back. A state with "model" alone restores the weights alone."""
