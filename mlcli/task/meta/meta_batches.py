"""The meta-batches of a stack of trials. Shapes: K trials."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from mlcli.cannot_stack import CannotStack


class MetaBatches:
    """The meta-batches of K trials side by side, each as the trial alone would have it."""

    def __init__(self, tasks: Sequence[Any]) -> None:
        self.tasks = list(tasks)

    def batches(self, epoch: int, start: int = 0) -> Iterator[tuple[Tensor, ...]]:
        """K × the tensors of one trial."""
        for each in zip(*(task.batches(epoch, start) for task in self.tasks), strict=True):
            yield tuple(torch.stack(tensors) for tensors in zip(*each, strict=True))

    def sample(self, fill: Any, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        raise CannotStack("inner steps cannot sample random numbers")

    def keep(self, rows: Sequence[int]) -> None:
        """Continues with the trials in these rows."""
        self.tasks = [self.tasks[row] for row in rows]
