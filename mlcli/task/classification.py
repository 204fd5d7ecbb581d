"""Classification: which of C classes an example belongs to (two or many), by cross-entropy.

Shapes: B batch, N examples of a split, C classes.
"""

from collections.abc import Iterable
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcli.config.ranges import Range
from mlcli.figure.plot import Plot
from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.metric import fast
from mlcli.task.gradient.augment import Augment, Mixup
from mlcli.task.gradient.gradient_task import (
    ClassWeights,
    forward_split,
    require_one_answer,
    restore,
    state_of,
    weights_of_classes,
)
from mlcli.train.modes import evaluating
from mlcli.train.protocols import Evaluation
from mlcli.train.update import Update
from mlcli.traits import TaskTraits

Batch = tuple[Tensor, Tensor]
PICTURED = 4  # classes whose feature maps are drawn


class Classification:
    """A network that gives B × C logits, trained on class indices.

    class_weights: "balanced" (N / (C · count of the class in train, as scikit-learn has it) or one weight per
    class. The loss is the mean over examples of weight · cross-entropy; evaluation is never weighted.
    shift (pixels), rotate (degrees), flip, noise (standard deviations): how training examples vary; mixup: the
    parameter of the Beta distribution from which they are blended, 0 for not at all.
    """

    traits = TaskTraits(per_trial=("label_smoothing", "weights"))

    def __init__(
        self,
        data: DataSet,
        model: nn.Module,
        update: Update,
        loader: Loader,
        *,
        label_smoothing: Annotated[float, Range(0, 1)] = 0.0,
        mixup: Annotated[float, Range(0)] = 0.0,
        shift: Annotated[float, Range(0)] = 0.0,
        rotate: Annotated[float, Range(0, 180)] = 0.0,
        flip: bool = False,
        noise: Annotated[float, Range(0)] = 0.0,
        class_weights: ClassWeights = None,
    ) -> None:
        self.data = data
        self.model = model
        self.update = update
        self.loader = loader
        self.label_smoothing = label_smoothing
        self.weights = weights_of_classes(class_weights, loader, len(data.classes))
        amounts = {"shift": shift, "rotate": rotate, "flip": flip, "noise": noise}
        self.augment = Augment(data.kind, data.shape, **amounts) if any(amounts.values()) else None
        self.mixup = Mixup(mixup) if mixup else None

    @staticmethod
    def outputs(data: DataSet) -> int:
        """How many outputs the network needs. Raises ValueError for data without a class for each example."""
        require_one_answer(data)
        if not data.classes:
            raise ValueError(f"data={data.name} has no classes: use task=regression, or other data.")
        return len(data.classes)

    def batches(self, epoch: int) -> Iterable[Batch]:
        self.model.train()
        return self.loader.batches(epoch)

    def step(self, batch: Batch) -> dict[str, Any]:
        return {"loss": self.update(self.loss, *batch), **self.update.settings}

    def fit_arguments(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """What `fit` of a model takes for a batch: inputs, class indices, and the weight of each example."""
        return inputs, targets, None if self.weights is None else self.weights[targets]

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy of a batch, with the class weights and smoothing of training."""
        if self.augment is not None:
            inputs = self.augment(inputs)
        if self.mixup is None:
            return self._loss(self.model(inputs), targets)
        blended, others, share = self.mixup(inputs, targets)
        logits = self.model(blended)
        loss: Tensor = share * self._loss(logits, targets) + (1 - share) * self._loss(logits, others)
        return loss

    def _loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        return cross_entropy(logits, targets, self.weights, self.label_smoothing)

    def metrics(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """What every epoch tells, from the logits N × C of a split."""
        return fast.classification(outputs, targets)

    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        logits_NC, targets_N = forward_split(self.model, self.loader, split)
        evaluation = Evaluation(self.metrics(logits_NC, targets_N))
        if full:
            self._complete(evaluation, split, targets_N, logits_NC.float().softmax(1))
        return evaluation

    def _complete(self, evaluation: Evaluation, split: str, targets: Tensor, probabilities: Tensor) -> None:
        from mlcli.metric import classification
        from mlcli.task.plots.classification import plots, worst_mistakes

        y, p, classes = targets.cpu().numpy(), probabilities.cpu().numpy(), self.data.classes
        evaluation.metrics |= classification.scores(y, p, classes)
        index = self.data.splits[split].numpy()
        evaluation.columns = {"index": index, "target": np.array(classes)[y], **self._columns(p)}
        raw = self.data.examples.inputs[self.data.splits[split]].numpy()
        evaluation.plots = lambda: [
            *plots(y, p, classes),
            worst_mistakes(y, p, classes, raw, self.data.kind, self.data.features, self.data.decode),
            *self._boundary(raw, y),
            *self._kernels(raw, y),
        ]

    def _boundary(self, inputs: np.ndarray, targets: np.ndarray) -> list[Plot]:
        """The plane of two features as the network divides it; of other data nothing."""
        if self.data.kind != "vector" or self.data.shape != (2,):
            return []
        from mlcli.metric.boundary import decision_boundary

        def answer(points: np.ndarray) -> np.ndarray:
            return self._probabilities(torch.from_numpy(points))

        return [decision_boundary(inputs, targets, self.data.classes, self.data.features, answer)]

    @torch.inference_mode()
    def _kernels(self, inputs: np.ndarray, targets: np.ndarray) -> list[Plot]:
        """The first convolution of a network for images, and what it makes of one image of each of a few classes."""
        layer = next((own for own in self.model.modules() if isinstance(own, nn.Conv2d)), None)
        if self.data.kind != "image" or layer is None:
            return []
        from mlcli.metric.kernels import kernels

        chosen = [int((targets == label).argmax()) for label in np.unique(targets)[:PICTURED]]
        maps: list[Tensor] = []
        hook = layer.register_forward_hook(lambda module, given, made: maps.append(made))
        self._probabilities(torch.from_numpy(inputs[chosen]))
        hook.remove()
        names = [self.data.classes[label] for label in targets[chosen]]
        found = maps[0].float().cpu().numpy()
        return [kernels(layer.weight.float().cpu().numpy(), inputs[chosen], found, names)]

    def _columns(self, probabilities: np.ndarray) -> dict[str, np.ndarray]:
        names = np.array(self.data.classes)
        each = {f"probability/{name}": probabilities[:, i] for i, name in enumerate(self.data.classes)}
        return {"prediction": names[probabilities.argmax(1)], **each}

    def observe(self, score: float) -> None:
        self.update.observe(score)

    def predict(self, inputs: Tensor) -> dict[str, np.ndarray]:
        return self._columns(self._probabilities(inputs))

    @torch.inference_mode()
    def _probabilities(self, inputs: Tensor) -> np.ndarray:
        """Of the classes, B × C, for raw inputs."""
        with evaluating(self.model):
            probabilities: np.ndarray = self.model(self.loader.prepare(inputs)).float().softmax(1).cpu().numpy()
        return probabilities

    def state_dict(self) -> dict[str, Any]:
        return state_of(self.model, self.update)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        restore(self.model, self.update, state)


def cross_entropy(logits: Tensor, targets: Tensor, weights: Tensor | None, smoothing: float | Tensor) -> Tensor:
    """Mean over B examples of weight · cross-entropy with smoothed targets (Szegedy et al. 2016, arXiv 1512.00567).

    Weights have the length C. A smoothing that is a tensor is one of many trials' (torch takes a number alone).
    """
    if isinstance(smoothing, Tensor):
        log_probabilities = logits.log_softmax(1)
        weighted = log_probabilities if weights is None else log_probabilities * weights
        hit = weighted.gather(1, targets.unsqueeze(1)).sum()
        return ((smoothing - 1) * hit - smoothing * weighted.mean(1).sum()) / len(targets)
    if weights is None:
        return F.cross_entropy(logits, targets, label_smoothing=smoothing)
    return F.cross_entropy(logits, targets, weights, reduction="sum", label_smoothing=smoothing) / len(targets)
