"""Sequence labelling: which of C classes each step of a sequence belongs to, by cross-entropy.

Shapes: B batch, N examples of a split, T steps, C classes. A target of -1 is a step without an answer.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.metric import fast
from mlcli.padding import steps_of
from mlcli.task.gradient.gradient_task import ClassWeights, forward_split, restore, state_of, weights_of_classes
from mlcli.train.modes import evaluating
from mlcli.train.protocols import Evaluation
from mlcli.train.update import Update
from mlcli.traits import TaskTraits

Batch = tuple[Tensor, Tensor]
NO_ANSWER = "-"  # stands for it among the labels of an example


class SequenceLabelling:
    """A network that gives B × T × C logits, trained on the class indices of the steps that have an answer.

    The loss is the mean over all such steps of a batch, so that a long example counts more than a short one.
    class_weights: "balanced" or one weight a class. The loss is then the mean of weight · cross-entropy; evaluation
    is never weighted.
    """

    traits = TaskTraits(per_step=True, per_trial=("weights",))

    def __init__(
        self,
        data: DataSet,
        model: nn.Module,
        update: Update,
        loader: Loader,
        *,
        class_weights: ClassWeights = None,
    ) -> None:
        self.data = data
        self.model = model
        self.update = update
        self.loader = loader
        self.weights = weights_of_classes(class_weights, loader, len(data.classes))

    @staticmethod
    def outputs(data: DataSet) -> int:
        """How many outputs a step the network needs. Raises ValueError for data without a class for each step."""
        targets = data.examples.targets
        if not data.classes or (len(data) and (targets.ndim != 2 or targets.is_floating_point())):
            raise ValueError(f"data={data.name} has no class for each step: use another task, or other data.")
        return len(data.classes)

    def batches(self, epoch: int) -> Iterable[Batch]:
        self.model.train()
        return self.loader.batches(epoch)

    def step(self, batch: Batch) -> dict[str, Any]:
        return {"loss": self.update(self.loss, *batch, weight_of=self.batch_weight), "lr": self.update.rate}

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy over the answered steps of a batch."""
        losses = fast.step_losses(self.model(inputs), targets)
        if self.weights is not None:
            losses = losses * self.weights[targets.clamp(min=0)]
        return losses.sum() / self.batch_weight(inputs, targets).clamp(min=1)

    def batch_weight(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """What the loss is a mean of: the number of answered steps."""
        return (targets >= 0).sum()

    def metrics(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """What every epoch tells, from the logits N × T × C of a split."""
        return fast.sequence_labelling(outputs, targets)

    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        logits_NTC, targets_NT = forward_split(self.model, self.loader, split)
        evaluation = Evaluation(self.metrics(logits_NTC, targets_NT))
        if full:
            self._complete(evaluation, split, targets_NT.cpu().numpy(), logits_NTC.float().softmax(-1).cpu().numpy())
        return evaluation

    def _complete(self, evaluation: Evaluation, split: str, targets: np.ndarray, probabilities: np.ndarray) -> None:
        from mlcli.figure.positions import accuracy_by_position
        from mlcli.metric import classification, positions
        from mlcli.task.plots.classification import plots

        answered, classes = targets >= 0, self.data.classes
        y, p = targets[answered], probabilities[answered]
        evaluation.metrics |= classification.scores(y, p, classes)
        index = self.data.splits[split]
        true = [" ".join(NO_ANSWER if t < 0 else classes[t] for t in row) for row in targets]
        raw = self.data.examples.inputs[index]
        evaluation.columns = {"index": index.numpy(), "target": np.array(true), **self._columns(raw, probabilities)}
        evaluation.plots = lambda: [
            *plots(y, p, classes),
            accuracy_by_position(*positions.accuracy(targets, probabilities.argmax(-1))),
        ]

    def _columns(self, raw: Tensor, probabilities: np.ndarray) -> dict[str, np.ndarray]:
        """Of each example the labels of its steps, in one text, and how sure they are on average."""
        there = self._there(raw).numpy()
        labels, sure = probabilities.argmax(-1), np.where(there, probabilities.max(-1), 0.0)
        rows = zip(labels, there, strict=True)
        texts = [" ".join(self.data.classes[label] for label in row[own]) for row, own in rows]
        return {"prediction": np.array(texts), "confidence": sure.sum(1) / there.sum(1).clip(1)}

    def _there(self, raw: Tensor) -> Tensor:
        """Which steps of raw inputs are no padding, B × T."""
        if not self.data.examples.padded:
            return torch.ones(raw.shape[:2], dtype=torch.bool)
        return steps_of(raw)

    def observe(self, score: float) -> None:
        self.update.observe(score)

    @torch.inference_mode()
    def predict(self, inputs: Tensor) -> dict[str, np.ndarray]:
        """The labels of each example's steps as one text, and their mean probability."""
        with evaluating(self.model):
            logits = self.model(self.loader.prepare(inputs))
        return self._columns(inputs.cpu(), logits.float().softmax(-1).cpu().numpy())

    def state_dict(self) -> dict[str, Any]:
        return state_of(self.model, self.update)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        restore(self.model, self.update, state)
