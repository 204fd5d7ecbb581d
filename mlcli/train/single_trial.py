"""One task as a single trial of the training loop."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import Tensor

from mlcli.train.extra_state import encode
from mlcli.train.layer_statistics import layer_statistics
from mlcli.train.metric_values import to_floats
from mlcli.train.protocols import Converges, HasUpdate, Task, WeighsBatches
from mlcli.traits import task_traits


class SingleTrial:
    """`Trials` with one row, that of the task."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.batches = task.batches
        self.step = task.step
        self.sample_metrics = task_traits(task).sample_metrics
        self._weight = task.batch_weight if isinstance(task, WeighsBatches) else None

    def weight(self, batch: Any) -> float | Tensor:
        return self._weight(*batch) if self._weight is not None else batch_length(batch)

    def evaluate(self, split: str, full: bool) -> dict[str, list[float]]:
        metrics = self.task.evaluate(split, full=full).metrics
        return {name: [number] for name, number in to_floats(metrics).items()}

    def layer_statistics(self) -> dict[str, list[float]]:
        return {name: [number] for name, number in to_floats(layer_statistics(self.task)).items()}

    def averaged(self) -> AbstractContextManager[None]:
        if not isinstance(self.task, HasUpdate):
            return nullcontext()
        averaged: AbstractContextManager[None] = self.task.update.averaged()
        return averaged

    def observe(self, scores: list[float]) -> None:
        self.task.observe(scores[0])

    def converged(self) -> list[bool]:
        return [isinstance(self.task, Converges) and self.task.converged]

    def weights(self) -> dict[str, Tensor]:
        weights = encode(self.task.state_dict()["model"])
        return {name: tensor.unsqueeze(0) for name, tensor in weights.items()}

    def keep(self, rows: list[int]) -> None:
        """Nothing to do: the only trial has ended."""


def batch_length(batch: Any) -> int:
    """The length of a batch, or of its first tensor; 1 for a batch that is neither a tensor nor a tuple of them."""
    first = batch[0] if isinstance(batch, tuple | list) and batch else batch
    return len(first) if isinstance(first, Tensor) and first.ndim else 1
