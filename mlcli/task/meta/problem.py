"""What a task of meta-learning asks for: a number, or which of a few classes an example belongs to.

Shapes: M tasks, P examples of each, W ways, E numbers of inner steps.
"""

from typing import Any, Protocol

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.loading.task_sampler import ClassTasks, GroupTasks, class_tasks, group_tasks


class Problem(Protocol):
    """tasks: by split; none where a model is loaded without data."""

    tasks: Any

    def examples(self, index: Tensor, loader: Loader) -> tuple[Tensor, Tensor]:
        """Inputs and targets of M × P examples."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Of one task, a scalar, from P × outputs of the network."""

    def scores(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """What each task has, E × M, from E × M × P × outputs and targets M × P."""

    def answers(self, outputs: Tensor) -> np.ndarray:
        """What the network says, … from … × outputs: a number, or one of the task's own class indices."""

    def columns(self, index: Tensor, answers: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """For a table of M × P examples: whose each is, what is true, and answers by their names."""


class Numbers:
    """Each group is a task, and each of its examples has a number. Its own unit is that of the loss."""

    def __init__(self, data: DataSet, shots: int, queries: int) -> None:
        self.data = data
        self.tasks: dict[str, GroupTasks] = group_tasks(data, shots, queries) if len(data) else {}

    def examples(self, index: Tensor, loader: Loader) -> tuple[Tensor, Tensor]:
        return loader.at(index)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return F.mse_loss(outputs.squeeze(1), targets)

    def scores(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        return {"loss": (outputs.squeeze(-1) - targets).square().mean(-1)}

    def answers(self, outputs: Tensor) -> np.ndarray:
        numbers: np.ndarray = outputs.squeeze(-1).float().cpu().numpy()
        return numbers

    def columns(self, index: Tensor, answers: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        examples = self.data.examples
        assert examples.groups is not None
        return {"task": examples.groups[index].numpy(), "target": examples.targets[index].numpy(), **answers}


class Classes:
    """Each task is to tell apart W classes, which are numbered anew in each."""

    def __init__(self, data: DataSet, ways: int, shots: int, queries: int) -> None:
        self.data = data
        self.tasks: dict[str, ClassTasks] = class_tasks(data, ways, shots, queries) if len(data) else {}

    def examples(self, index: Tensor, loader: Loader) -> tuple[Tensor, Tensor]:
        inputs, _ = loader.at(index)
        return inputs, self.tasks["train"].labels.to(inputs.device).expand(len(index), -1)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        # Not F.cross_entropy, whose second half torch.vmap only knows as slow Python.
        return -outputs.log_softmax(1).gather(1, targets.unsqueeze(1)).mean()

    def scores(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        own = targets.expand(outputs.shape[:-1])
        likely = outputs.log_softmax(-1).gather(-1, own.unsqueeze(-1)).squeeze(-1)
        return {"loss": -likely.mean(-1), "accuracy": (outputs.argmax(-1) == own).float().mean(-1)}

    def answers(self, outputs: Tensor) -> np.ndarray:
        indices: np.ndarray = outputs.argmax(-1).cpu().numpy()
        return indices

    def columns(self, index: Tensor, answers: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Class indices of a task become the names of the data's classes that they stand for."""
        names_MP = np.array(self.data.classes)[self.data.examples.targets[index].numpy()]
        task_M1 = np.arange(len(index))[:, None]
        tasks = self.tasks["train"]
        names_MW = names_MP[:, : tasks.support : tasks.shots]  # the support is class after class
        told = {name: names_MW[task_M1, indices] for name, indices in answers.items()}
        return {"task": task_M1.repeat(index.shape[1], 1), "target": names_MP, **told}
