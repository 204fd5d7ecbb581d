"""Sequence labelling: each time step of a sequence belongs to one of C classes, trained by cross-entropy.

Shapes: B batch, N examples of a split, T time steps, C classes. A target of -1 is a step without a label.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.metric import fast
from mlcli.padding import steps_of
from mlcli.task.gradient.class_weights import ClassWeights, class_weight_tensor
from mlcli.task.gradient.gradient_task import GradientTask
from mlcli.task.inference.columns import to_columns
from mlcli.task.inference.of_outputs import OfOutputs
from mlcli.train.protocols import Evaluation
from mlcli.train.update import Update
from mlcli.traits import TaskTraits

NO_LABEL = "-"  # in the text of an example's labels, where a step has none
NO_STEP = -1  # in place of the class index of padding


class SequenceLabelling(GradientTask):
    """A network with outputs B × T × C, the logits of the classes, trained on the class indices of labelled steps.

    The loss is the mean over all labelled steps of a batch, so that a long example counts more than a short one.
    class_weights: "balanced" or one weight per class. The loss is then the mean of weight · cross-entropy; evaluation
    is never weighted.
    """

    traits = TaskTraits(per_step=True, per_trial=("weights",), sample_metrics=("accuracy",), skips_batches=True)

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

        targets_NT, classes = targets.cpu().numpy(), self.data.classes
        probabilities_NTC = outputs.float().softmax(-1).cpu().numpy()
        labelled = targets_NT >= 0
        y, p = targets_NT[labelled], probabilities_NTC[labelled]
        evaluation.metrics |= classification.scores(y, p, classes)
        hits_NT, count_N = (probabilities_NTC.argmax(-1) == targets_NT) & labelled, labelled.sum(1)
        evaluation.intervals = intervals.means({"accuracy": hits_NT.sum(1) / count_N.clip(1)}, count_N)
        train = self.loader.all_targets("train").cpu().numpy()
        evaluation.baselines = baseline.majority(train[train >= 0], y)
        index = self.data.splits[split]
        true = [" ".join(NO_LABEL if t < 0 else classes[t] for t in row) for row in targets_NT]
        steps_NT = steps_of_examples(self.data.examples.inputs[index], self.data.examples.padded)
        columns = self.columns(ProbableSteps()(outputs, steps_NT.to(outputs.device)))
        evaluation.columns = {"index": index.numpy(), "target": np.array(true), **columns}
        evaluation.plots = lambda: [
            *plots(y, p, classes),
            accuracy_by_position(*positions.accuracy(targets_NT, probabilities_NTC.argmax(-1))),
        ]

    def inference(self) -> nn.Module:
        return LabelsOfSteps(self.model, ProbableSteps(), self.data.examples.padded)

    def columns(self, predictions: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
        """The labels of each example's steps as one text, and their mean probability."""
        names, labels_BT = self.data.classes, predictions["prediction"].tolist()
        texts = [" ".join(names[label] for label in row if label != NO_STEP) for row in labels_BT]
        return {"prediction": np.array(texts), **to_columns({"confidence": predictions["confidence"]})}


class ProbableSteps(nn.Module):
    """Logits B × T × C and a mask B × T of the steps that are not padding → `prediction` B × T, the class indices, -1
    for padding, and `confidence` B, the mean of their probabilities."""

    def forward(self, outputs: Tensor, steps: Tensor) -> dict[str, Tensor]:
        probability, label = outputs.float().softmax(-1).max(-1)
        confidence = torch.where(steps, probability, 0.0).sum(1) / steps.sum(1).clamp(min=1)
        return {"prediction": torch.where(steps, label, NO_STEP), "confidence": confidence}


class LabelsOfSteps(OfOutputs):
    """Predictions for each step of the inputs that is not padding."""

    def __init__(self, network: nn.Module, head: nn.Module, padded: bool) -> None:
        super().__init__(network, head)
        self.padded = padded

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        steps = steps_of_examples(inputs, self.padded)
        predictions: dict[str, Tensor] = self.head(self.network(inputs), steps)
        return predictions


def steps_of_examples(inputs: Tensor, padded: bool) -> Tensor:
    """Which steps of B × T × … inputs are not padding, B × T. padded: whether there may be padding."""
    if padded:
        return steps_of(inputs)
    return torch.ones(inputs.shape[:2], dtype=torch.bool, device=inputs.device)
