"""What all stacks share, however they compute: trials of one task that train as one computation."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import Tensor

from mlcli.train.metric_values import collect_metrics
from mlcli.traits import task_traits


class TaskStack:
    """K tasks as the training loop's trials. The tasks themselves change only when the stack writes back to them.

    A subclass has `batches`, `step`, `weight`, `weights` and `keep_rows` (`mlcli.train.protocols.Trials`).
    """

    def __init__(self, tasks: Sequence[Any]) -> None:
        self.tasks = list(tasks)
        self.sample_metrics = task_traits(tasks[0]).sample_metrics

    def weights(self) -> dict[str, Tensor]:
        """The current weights by name, K × their shape."""
        raise NotImplementedError

    def keep_rows(self, rows: list[int]) -> None:
        """Drops the state of all rows but these, of which there is at least one."""
        raise NotImplementedError

    def evaluate(self, split: str, full: bool) -> dict[str, list[float]]:
        """Evaluates one task after another."""
        self.write_back()
        return collect_metrics([task.evaluate(split, full).metrics for task in self.tasks])

    def layer_statistics(self) -> dict[str, list[float]]:
        return {}

    def averaged(self) -> AbstractContextManager[None]:
        return nullcontext()

    def observe(self, scores: list[float]) -> None:
        for task, score in zip(self.tasks, scores, strict=True):
            task.observe(score)

    def converged(self) -> list[bool]:
        return [False] * len(self.tasks)

    def keep(self, rows: list[int]) -> None:
        """Continues with the trials in these rows; the others are written back."""
        self.write_back(sorted(set(range(len(self.tasks))) - set(rows)))
        self.tasks = [self.tasks[row] for row in rows]
        if rows:
            self.keep_rows(rows)

    def write_back(self, rows: Sequence[int] | None = None) -> None:
        """Copies the current weights of these rows, by default of all, into their own tasks."""
        weights = self.weights()
        for row in range(len(self.tasks)) if rows is None else rows:
            self.tasks[row].load_state_dict({"model": {name: tensor[row] for name, tensor in weights.items()}})
