"""Trials of meta-learning as one computation: torch.vmap over trials, and in each over the tasks of a meta-batch."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from mlcli.cannot_stack import CannotStack
from mlcli.train.metric_values import collect_metrics
from mlcli.train.stack.stack import Stack


class MetaBatches:
    """The meta-batches of K tasks side by side. Each is what the trial would meet alone."""

    def __init__(self, tasks: Sequence[Any]) -> None:
        self.tasks = list(tasks)

    def batches(self, epoch: int) -> Iterator[tuple[Tensor, ...]]:
        """K × what one trial's are."""
        for each in zip(*(task.batches(epoch) for task in self.tasks), strict=True):
            yield tuple(torch.stack(tensors) for tensors in zip(*each, strict=True))

    def draw(self, fill: Any, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        raise CannotStack("inner steps draw no random numbers")

    def keep(self, rows: Sequence[int]) -> None:
        """Goes on with the trials in these rows."""
        self.tasks = [self.tasks[row] for row in rows]


class MetaStack(Stack):
    """As any stack, but every evaluation is each task's own: it takes no longer than a few updates."""

    def __init__(self, tasks: Sequence[Any]) -> None:
        super().__init__(tasks, MetaBatches(tasks))

    def evaluate(self, split: str, full: bool) -> dict[str, list[float]]:
        self.write_back()
        each = [task.evaluate(split, full).metrics for task in self.tasks]
        return collect_metrics(each)
