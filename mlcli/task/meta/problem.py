"""The problem of each task of meta-learning: regression, or classification of a few classes.

Shapes: M tasks, P examples of each, W ways, E evaluations (after different numbers of inner steps).
"""

from typing import Any, Protocol

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.loading.task_sampler import ClassTasks, GroupTasks, class_tasks, group_tasks


class Problem(Protocol):
    """tasks: the task sampler of each split; none where a run is loaded without its data."""

    tasks: Any

    def examples(self, index: Tensor, loader: Loader) -> tuple[Tensor, Tensor]:
        """Inputs and targets of M × P examples, from their indices."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The loss of one task, a scalar, from outputs P × outputs and targets P."""

    def scores(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Metrics of each task, E × M, from outputs E × M × P × outputs and targets M × P."""

    def predictions(self, outputs: Tensor) -> Tensor:
        """… × outputs → …: numbers, or class indices within the task."""

    def columns(self, index: Tensor, predictions: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Columns M × P of a table of examples: task, target, and predictions by name."""


class RegressionTasks:
    """Each group of examples is a regression task. The loss is in the unit of the targets."""

    def __init__(self, data: DataSet, shots: int, queries: int) -> None:
        self.data = data
        self.tasks: dict[str, GroupTasks] = group_tasks(data, shots, queries) if len(data) else {}

    def examples(self, index: Tensor, loader: Loader) -> tuple[Tensor, Tensor]:
        return loader.at(index)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return F.mse_loss(outputs.squeeze(1), targets)

    def scores(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        return {"loss": (outputs.squeeze(-1) - targets).square().mean(-1)}

    def predictions(self, outputs: Tensor) -> Tensor:
        return outputs.squeeze(-1).float()

    def columns(self, index: Tensor, predictions: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        examples = self.data.examples
        assert examples.groups is not None
        return {"task": examples.groups[index].numpy(), "target": examples.targets[index].numpy(), **predictions}


class ClassificationTasks:
    """Each task is the classification of W classes, whose indices within the task are arbitrary."""

    def __init__(self, data: DataSet, ways: int, shots: int, queries: int) -> None:
        self.data = data
        self.tasks: dict[str, ClassTasks] = class_tasks(data, ways, shots, queries) if len(data) else {}

    def examples(self, index: Tensor, loader: Loader) -> tuple[Tensor, Tensor]:
        inputs, _ = loader.at(index)
        return inputs, self.tasks["train"].labels.to(inputs.device).expand(len(index), -1)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        # Not F.cross_entropy: torch.vmap has no fast batching rule for its second half.
        return -outputs.log_softmax(1).gather(1, targets.unsqueeze(1)).mean()

    def scores(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        own = targets.expand(outputs.shape[:-1])
        likely = outputs.log_softmax(-1).gather(-1, own.unsqueeze(-1)).squeeze(-1)
        return {"loss": -likely.mean(-1), "accuracy": (outputs.argmax(-1) == own).float().mean(-1)}

    def predictions(self, outputs: Tensor) -> Tensor:
        return outputs.argmax(-1)

    def columns(self, index: Tensor, predictions: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Class indices within a task become the names of the classes."""
        names_MP = np.array(self.data.classes)[self.data.examples.targets[index].numpy()]
        task_M1 = np.arange(len(index))[:, None]
        tasks = self.tasks["train"]
        names_MW = names_MP[:, : tasks.support : tasks.shots]  # the support is class after class
        named = {name: names_MW[task_M1, indices] for name, indices in predictions.items()}
        return {"task": task_M1.repeat(index.shape[1], 1), "target": names_MP, **named}
