"""Tabular agents with different seeds or settings in the same environment as one computation."""

from collections.abc import Iterable, Sequence
from typing import Any

from torch import Tensor

from mlcli.task.tabular.agents import TabularAgents
from mlcli.train.stack.task_stack import TaskStack


class TabularStack(TaskStack):
    """Control tasks side by side. A batch is the number of the epoch: the agents sample the rest themselves."""

    def __init__(self, tasks: Sequence[Any]) -> None:
        super().__init__(tasks)
        self.agents = TabularAgents(tasks)
        self.has_converged = [False] * len(tasks)

    def batches(self, epoch: int, start: int = 0) -> Iterable[int]:
        yield from [epoch][start:]

    def step(self, batch: int) -> dict[str, Any]:
        metrics, self.has_converged = self.agents.run_epoch(batch)
        return dict(metrics)

    def weight(self, batch: int) -> float:
        return 1.0  # one step is a whole epoch

    def converged(self) -> list[bool]:
        return self.has_converged

    def weights(self) -> dict[str, Tensor]:
        return self.agents.weights()

    def keep_rows(self, rows: list[int]) -> None:
        self.agents.keep(rows)

    def write_back(self, rows: Sequence[int] | None = None) -> None:
        super().write_back(rows)
        for row in range(len(self.tasks)) if rows is None else rows:
            self.tasks[row].agents = self.agents.select(row)
