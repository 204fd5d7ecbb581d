"""Multi-label classification: which of C labels an example has, any number of them, by binary cross-entropy.

Shapes: B batch, N examples of a split, C labels.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.metric import fast
from mlcli.task.gradient.gradient_task import forward_split, restore, state_of
from mlcli.train.modes import evaluating
from mlcli.train.protocols import Evaluation
from mlcli.train.update import Update

Batch = tuple[Tensor, Tensor]
SEPARATOR = "; "  # between the labels of an example


class MultiLabel:
    """A network that gives B × C logits, each for one label by itself; a label is given above one half."""

    def __init__(self, data: DataSet, model: nn.Module, update: Update, loader: Loader) -> None:
        self.data = data
        self.model = model
        self.update = update
        self.loader = loader

    @staticmethod
    def outputs(data: DataSet) -> int:
        """How many outputs the network needs. Raises ValueError for data without zeros and ones for each label."""
        targets = data.examples.targets
        if not data.classes or (len(data) and (targets.ndim != 2 or not targets.is_floating_point())):
            raise ValueError(
                f"data={data.name} has no labels that are there or not: use another task, or other data."
            )
        return len(data.classes)

    def batches(self, epoch: int) -> Iterable[Batch]:
        self.model.train()
        return self.loader.batches(epoch)

    def step(self, batch: Batch) -> dict[str, Any]:
        return {"loss": self.update(self.loss, *batch), "lr": self.update.rate}

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean binary cross-entropy over all labels of a batch."""
        outputs = self.model(inputs)
        return F.binary_cross_entropy_with_logits(outputs, targets.to(outputs.dtype))

    def metrics(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """What every epoch tells, from the logits N × C of a split."""
        return fast.multi_label(outputs, targets)

    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        logits_NC, targets_NC = forward_split(self.model, self.loader, split)
        evaluation = Evaluation(self.metrics(logits_NC, targets_NC))
        if full:
            self._complete(
                evaluation, split, targets_NC.cpu().numpy() > 0.5, logits_NC.float().sigmoid().cpu().numpy()
            )
        return evaluation

    def _complete(self, evaluation: Evaluation, split: str, has: np.ndarray, probabilities: np.ndarray) -> None:
        from mlcli.metric import multi_label
        from mlcli.task.plots.multi_label import plots

        evaluation.metrics |= multi_label.scores(has, probabilities, self.data.classes)
        index = self.data.splits[split].numpy()
        evaluation.columns = {"index": index, "target": self._names(has), **self._columns(probabilities)}
        evaluation.plots = lambda: plots(has, probabilities, self.data.classes)

    def _columns(self, probabilities: np.ndarray) -> dict[str, np.ndarray]:
        each = {f"probability/{name}": probabilities[:, i] for i, name in enumerate(self.data.classes)}
        return {"prediction": self._names(probabilities > 0.5), **each}

    def _names(self, has: np.ndarray) -> np.ndarray:
        """The labels of each example in one text, N × C booleans → N."""
        names = self.data.classes
        return np.array([SEPARATOR.join(names[i] for i in np.flatnonzero(row)) for row in has])

    def observe(self, score: float) -> None:
        self.update.observe(score)

    @torch.inference_mode()
    def predict(self, inputs: Tensor) -> dict[str, np.ndarray]:
        """The labels of each example as one text, and the probability of each label."""
        with evaluating(self.model):
            return self._columns(self.model(self.loader.prepare(inputs)).float().sigmoid().cpu().numpy())

    def state_dict(self) -> dict[str, Any]:
        return state_of(self.model, self.update)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        restore(self.model, self.update, state)
