"""Sequence labelling: each time step of a sequence belongs to one of C classes, trained by cross-entropy.

Shapes: B batch, N examples of a split, T time steps, C classes. A target of -1 is a step without a label.
"""

import numpy as np
import torch
from torch import Tensor, nn

from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.metric import fast
from mlcli.padding import steps_of
from mlcli.task.gradient.class_weights import ClassWeights, class_weight_tensor
from mlcli.task.gradient.gradient_task import GradientTask
from mlcli.train.protocols import Evaluation
from mlcli.train.update import Update
from mlcli.traits import TaskTraits

NO_LABEL = "-"  # in the text of an example's labels, where a step has none


class SequenceLabelling(GradientTask):
    """A network with outputs B × T × C, the logits of the classes, trained on the class indices of labelled steps.

    The loss is the mean over all labelled steps of a batch, so that a long example counts more than a short one.
    class_weights: "balanced" or one weight per class. The loss is then the mean of weight · cross-entropy; evaluation
    is never weighted.
    """

    traits = TaskTraits(per_step=True, per_trial=("weights",), sample_metrics=("accuracy",))

    def __init__(
        self,
        data: DataSet,
        model: nn.Module,
        update: Update,
        loader: Loader,
        *,
        class_weights: ClassWeights = None,
    ) -> None:
        super().__init__(data, model, update, loader)
        self.weights = class_weight_tensor(class_weights, loader, len(data.classes))

    @staticmethod
    def outputs(data: DataSet) -> int:
        """The number of classes. Raises ValueError for data without a class for each step."""
        targets = data.examples.targets
        if not data.classes or (len(data) and (targets.ndim != 2 or targets.is_floating_point())):
            raise ValueError(f"data={data.name} has no class for each step: use another task, or other data")
        return len(data.classes)

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy over the labelled steps of a batch."""
        losses = fast.step_losses(self.model(inputs), targets)
        if self.weights is not None:
            losses = losses * self.weights[targets.clamp(min=0)]
        return losses.sum() / self.batch_weight(inputs, targets).clamp(min=1)

    def batch_weight(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """The number of steps that the loss is a mean of."""
        return (targets >= 0).sum()

    def metrics(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """The metrics of every epoch, from the logits N × T × C of a split."""
        return fast.sequence_labelling(outputs, targets)

    def metric_inputs(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Of the labelled steps of all examples, M of them: logits M × C and class indices M."""
        labelled = targets >= 0
        own = outputs[labelled]
        return {
            "outputs": own,
            "predictions": own.argmax(1),
            "probabilities": own.float().softmax(1),
            "targets": targets[labelled],
        }

    def complete(self, evaluation: Evaluation, split: str, outputs: Tensor, targets: Tensor) -> None:
        from mlcli.figure.positions import accuracy_by_position
        from mlcli.metric import baseline, classification, intervals, positions
        from mlcli.task.plots.classification import plots

        targets_NT, probabilities_NTC, classes = targets.cpu().numpy(), _probabilities(outputs), self.data.classes
        labelled = targets_NT >= 0
        y, p = targets_NT[labelled], probabilities_NTC[labelled]
        evaluation.metrics |= classification.scores(y, p, classes)
        hits_NT, count_N = (probabilities_NTC.argmax(-1) == targets_NT) & labelled, labelled.sum(1)
        evaluation.intervals = intervals.means({"accuracy": hits_NT.sum(1) / count_N.clip(1)}, count_N)
        train = self.loader.all_targets("train").cpu().numpy()
        evaluation.baselines = baseline.majority(train[train >= 0], y)
        index = self.data.splits[split]
        true = [" ".join(NO_LABEL if t < 0 else classes[t] for t in row) for row in targets_NT]
        columns = self._columns(self.data.examples.inputs[index], probabilities_NTC)
        evaluation.columns = {"index": index.numpy(), "target": np.array(true), **columns}
        evaluation.plots = lambda: [
            *plots(y, p, classes),
            accuracy_by_position(*positions.accuracy(targets_NT, probabilities_NTC.argmax(-1))),
        ]

    def _columns(self, raw: Tensor, probabilities: np.ndarray) -> dict[str, np.ndarray]:
        """For each example the labels of its steps as one text, and the mean of their probabilities, from raw inputs
        B × T × … and probabilities B × T × C."""
        steps_BT = self._steps(raw).numpy()
        labels_BT, confidence_BT = probabilities.argmax(-1), np.where(steps_BT, probabilities.max(-1), 0.0)
        rows = zip(labels_BT, steps_BT, strict=True)
        texts = [" ".join(self.data.classes[label] for label in row[steps]) for row, steps in rows]
        return {"prediction": np.array(texts), "confidence": confidence_BT.sum(1) / steps_BT.sum(1).clip(1)}

    def _steps(self, raw: Tensor) -> Tensor:
        """Which steps of raw inputs are not padding, B × T."""
        if not self.data.examples.padded:
            return torch.ones(raw.shape[:2], dtype=torch.bool)
        return steps_of(raw)

    def predict(self, inputs: Tensor) -> dict[str, np.ndarray]:
        """The labels of each example's steps as one text, and their mean probability."""
        return self._columns(inputs.cpu(), _probabilities(self.forward(inputs)))


def _probabilities(logits: Tensor) -> np.ndarray:
    """B × T × C → the same."""
    probabilities: np.ndarray = logits.float().softmax(-1).cpu().numpy()
    return probabilities
