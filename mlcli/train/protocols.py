"""What everything that learns can do. The loop, checkpoints, sweeps and serving know these verbs and no more."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from math import nan
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from mlcli.train.layer_statistics import layer_statistics


@dataclass
class Evaluation:
    """What one split says about a task.

    metrics: name → value, as tensors on the device or plain numbers; whoever reads them, syncs.
    columns, plots: only of a full evaluation: predictions as columns of one table, and a function that prepares the
    figures of them (objects with `name` and `save(folder)`).
    """

    metrics: dict[str, Any]
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    plots: Callable[[], list[Any]] = list


class Task(Protocol):
    """A plain object built from config and data, which holds its model, optimizer and randomness."""

    def batches(self, epoch: int) -> Iterable[Any]:
        """The batches of one epoch. All randomness of the epoch comes from the run's seed and `epoch`."""

    def step(self, batch: Any) -> dict[str, Any]:
        """One update. Tensors that it returns are averaged over the epoch; of plain numbers the last counts.

        A batch counts by its examples, or by what the task's own `batch_weight(*batch)` says that the loss is a mean
        of.
        """

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


class Trials(Protocol):
    """What the loop drives: trials that train side by side, a row for each. A task alone is one trial."""

    def batches(self, epoch: int) -> Iterable[Any]:
        """The batches of one epoch, each for all trials."""

    def step(self, batch: Any) -> dict[str, Any]:
        """One update of every trial: tensors with a value per row, lists of numbers, or one number for all."""

    def weight(self, batch: Any) -> float | Tensor:
        """What the values of the last step, which was of this batch, count in the means of the epoch: one number for
        all trials or a tensor with one per row."""

    def evaluate(self, split: str, full: bool) -> dict[str, list[float]]:
        """Metrics by name, a number per row."""

    def layer_statistics(self) -> dict[str, list[float]]:
        """How large gradients and activations are, by name (`mlcli.train.layer_statistics`), a number per row."""

    def averaged(self) -> AbstractContextManager[None]:
        """Meanwhile the weights are the means over updates that are judged and kept, where there are such."""

    def observe(self, scores: list[float]) -> None:
        """The monitored score of each row."""

    def converged(self) -> list[bool]:
        """Of each row, whether further epochs would change nothing."""

    def weights(self) -> dict[str, Tensor]:
        """The weights as they are now, rows × their shape."""

    def keep(self, rows: list[int]) -> None:
        """The trials in these rows go on; the others have ended."""


class Alone:
    """A task as the loop sees it: the only trial."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.batches = task.batches
        self.step = task.step
        self._weight: Callable[..., Tensor] | None = getattr(task, "batch_weight", None)

    def weight(self, batch: Any) -> float | Tensor:
        return self._weight(*batch) if self._weight is not None else examples_in(batch)

    def evaluate(self, split: str, full: bool) -> dict[str, list[float]]:
        metrics = self.task.evaluate(split, full=full).metrics
        return {name: [number] for name, number in read(metrics).items()}

    def layer_statistics(self) -> dict[str, list[float]]:
        return {name: [number] for name, number in read(layer_statistics(self.task)).items()}

    def averaged(self) -> AbstractContextManager[None]:
        update: Any = getattr(self.task, "update", None)  # of tasks that train by gradient
        return update.averaged() if update is not None else nullcontext()

    def observe(self, scores: list[float]) -> None:
        self.task.observe(scores[0])

    def converged(self) -> list[bool]:
        return [getattr(self.task, "converged", False)]  # of tasks that can tell

    def weights(self) -> dict[str, Tensor]:
        return {name: tensor.unsqueeze(0) for name, tensor in self.task.state_dict()["model"].items()}

    def keep(self, rows: list[int]) -> None:
        """Nothing to do: it has ended."""


def examples_in(batch: Any) -> int:
    """The length of a batch, or of its first tensor; 1 for a batch that is neither a tensor nor a tuple of them."""
    first = batch[0] if isinstance(batch, tuple | list) and batch else batch
    return len(first) if isinstance(first, Tensor) and first.ndim else 1


def together(each: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """The metrics of several trials by name, a number per trial: NaN where it is not defined for that one."""
    names = dict.fromkeys(name for metrics in each for name in metrics)
    return {name: [float(metrics.get(name, nan)) for metrics in each] for name in names}


def read(metrics: dict[str, Any]) -> dict[str, float]:
    """Metrics as plain numbers, with one transfer from the device for all that lie there."""
    tensors = {name: value for name, value in metrics.items() if isinstance(value, Tensor)}
    numbers = torch.stack([value.float() for value in tensors.values()]).tolist() if tensors else []
    plain = dict(zip(tensors, numbers, strict=True))
    return {name: float(plain.get(name, value)) for name, value in metrics.items()}
