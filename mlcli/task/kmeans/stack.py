"""K-means trials with different seeds or numbers of clusters as one computation.

Shapes: T trials, N examples of a split, K centroids.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from mlcli.task.kmeans.lloyd import assign
from mlcli.task.kmeans.searches import KMeansSearches
from mlcli.train.stack.task_stack import TaskStack


class KMeansStack(TaskStack):
    """Clustering of the same examples. Raises CannotStack where the training splits differ."""

    def __init__(self, tasks: Sequence[Any]) -> None:
        super().__init__(tasks)
        self.searches = KMeansSearches(tasks)

    def batches(self, epoch: int, start: int = 0) -> Iterable[Tensor | None]:
        return self.searches.batches(epoch, start)

    def step(self, batch: Tensor | None) -> dict[str, Any]:
        self.searches.step(batch)
        return {"loss": self.searches.losses()}

    def weight(self, batch: Tensor | None) -> float:
        return 1.0  # the loss is always that of all examples

    def evaluate(self, split: str, full: bool) -> dict[str, list[float]]:
        if full:
            return super().evaluate(split, full)
        points = torch.cat([inputs for inputs, _ in self.tasks[0].loader.split(split)])
        _, distances_TN = assign(points, self.searches.best_centroids())
        return {"loss": distances_TN.mean(1).tolist(), "inertia": distances_TN.sum(1).tolist()}

    def converged(self) -> list[bool]:
        return self.searches.converged

    def weights(self) -> dict[str, Tensor]:
        return {"centroids": self.searches.best_centroids()}

    def keep_rows(self, rows: list[int]) -> None:
        self.searches.keep(rows)
