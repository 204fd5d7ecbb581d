"""Classification: each example belongs to one of C classes (two or more), trained by cross-entropy.

Shapes: B batch, N examples of a split, C classes.
"""

from collections.abc import Callable
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
from mlcli.task.gradient.class_weights import ClassWeights, class_weight_tensor
from mlcli.task.gradient.gradient_task import (
    GradientTask,
    forward_split,
    require_no_row_weights,
    require_single_target,
)
from mlcli.task.gradient.members import as_examples, mean_loss, training_outputs
from mlcli.task.gradient.table_report import shown_inputs, slices
from mlcli.task.inference.of_outputs import OfOutputs
from mlcli.train.model_protocols import PredictsClasses
from mlcli.train.modes import evaluating
from mlcli.train.protocols import Evaluation
from mlcli.train.update import Update
from mlcli.traits import TaskTraits

PLOTTED = 4  # classes whose feature maps are plotted


class Classification(GradientTask):
    """A network with outputs B × C, the logits of the classes, trained on class indices.

    class_weights: "balanced" (N / (C · count of the class in the training split), as in scikit-learn) or one weight
    per class. The loss is the mean over examples of weight · cross-entropy; evaluation is never weighted.
    shift (pixels), rotate (degrees), flip, noise (standard deviations): random augmentation of training examples.
    mixup: the parameter of the Beta distribution of mixup's weights; 0 for no mixup.
    """

    traits = TaskTraits(
        per_trial=("label_smoothing", "weights"),
        sample_metrics=("accuracy",),
        tables=True,
        ensembles=True,
        skips_batches=True,
    )
    own_loss: Callable[[Tensor, Tensor], Tensor] | None = None  # task.loss

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
        super().__init__(data, model, update, loader)
        self.label_smoothing = label_smoothing
        self.weights = class_weight_tensor(class_weights, loader, len(data.classes))
        amounts = {"shift": shift, "rotate": rotate, "flip": flip, "noise": noise}
        require_numbers(data, mixup, noise)
        self.augment = Augment(data.prepared_kind, data.prepared_shape, **amounts) if any(amounts.values()) else None
        self.mixup = Mixup(mixup) if mixup else None
        self.threshold: Tensor | None = None  # of the second of two classes of a table

    @staticmethod
    def outputs(data: DataSet) -> int:
        """The number of classes. Raises ValueError for data without one class per example."""
        require_single_target(data)
        if not data.classes:
            raise ValueError(f"data={data.name} has no classes: use task=regression, or other data")
        return len(data.classes)

    def fit_arguments(
        self, inputs: Tensor, targets: Tensor, rows: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """What `fit` of a model takes for a batch: inputs, class indices, and the weight of each example."""
        own = None if self.weights is None else self.weights[targets]
        return inputs, targets, own if rows is None else rows if own is None else own * rows

    def check_data(self) -> None:
        """Raises ValueError for weights of examples where the loss has no place for them."""
        if self.own_loss is not None or self.mixup is not None:
            require_no_row_weights(self.data, "task.mixup" if self.own_loss is None else "task.loss")

    def loss(self, inputs: Tensor, targets: Tensor, rows: Tensor | None = None) -> Tensor:
        """Mean cross-entropy of a batch, with the class weights and smoothing of training. rows: weights of the
        examples, B."""
        if self.augment is not None:
            inputs = self.augment(inputs)
        if self.mixup is None:
            return self._loss(training_outputs(self.model, inputs), targets, rows)
        mixed, other_targets, weight = self.mixup(inputs, targets)
        logits = training_outputs(self.model, mixed)
        loss: Tensor = weight * self._loss(logits, targets) + (1 - weight) * self._loss(logits, other_targets)
        return loss

    def _loss(self, logits: Tensor, targets: Tensor, rows: Tensor | None = None) -> Tensor:
        """Of logits B × C, or B × K × C of the members of an ensemble."""
        if self.own_loss is not None:
            return mean_loss(self.own_loss, logits, targets)
        logits, targets, rows = as_examples(logits, targets, rows)
        return cross_entropy(logits, targets, self.weights, self.label_smoothing, rows)

    def metrics(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """The metrics of every epoch, from the logits N × C of a split."""
        metrics = fast.classification(outputs, targets)
        return metrics if self.own_loss is None else metrics | {"loss": self.own_loss(outputs, targets)}

    def metric_inputs(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Logits N × C and class indices N."""
        probabilities = outputs.float().softmax(1)
        return {
            "outputs": outputs,
            "predictions": outputs.argmax(1),
            "probabilities": probabilities,
            "targets": targets,
        }

    def decide(self, split: str) -> Tensor | None:
        if not isinstance(self.model, PredictsClasses):
            return None
        return torch.cat([self.model.estimator_classes(inputs) for inputs, _ in self.loader.split(split)])

    def decided_metrics(self, predicted: Tensor | None, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        return {} if predicted is None else fast.of_classes(predicted, targets, outputs.shape[1])

    def complete(self, evaluation: Evaluation, split: str, outputs: Tensor, targets: Tensor) -> None:
        from mlcli.metric import baseline, classification, intervals
        from mlcli.task.plots.classification import plots, worst_mistakes

        predictions: dict[str, Tensor] = self.head()(outputs)
        if evaluation.predicted is not None:
            predictions["prediction"] = evaluation.predicted
        chosen, p = (predictions[name].cpu().numpy() for name in ("prediction", "probabilities"))
        y, classes = targets.cpu().numpy(), self.data.classes
        evaluation.metrics |= classification.scores(y, p, classes, chosen)
        evaluation.intervals = intervals.classification(y, chosen, classification.log_losses(y, p))
        evaluation.baselines = baseline.majority(self.loader.all_targets("train").cpu().numpy(), y)
        if self.data.kind == "table":
            evaluation.slices = slices(self.data, split, (chosen != y).astype(float))
            evaluation.metrics |= self._of_probabilities(y, p)
        index = self.data.splits[split].numpy()
        evaluation.columns = {"index": index, "target": np.array(classes)[y], **self.columns(predictions)}
        raw, features, levels = shown_inputs(self.data, split)
        evaluation.plots = lambda: [
            *plots(y, p, classes, chosen),
            worst_mistakes(y, p, classes, raw, self.data.kind, features, self.data.decode, chosen, levels),
            *self._boundary(raw, y),
            *self._kernels(raw, y),
        ]

    def _of_probabilities(self, y: np.ndarray, p: np.ndarray) -> dict[str, Any]:
        """Of a table: the expected calibration error and, with two classes, the threshold of the second one that
        `calibrate` has chosen, with the F1 score there."""
        from mlcli.metric.calibration import reliability
        from mlcli.metric.threshold import counts

        found: dict[str, Any] = {"calibration_error": reliability(y, p).error}
        if self.threshold is not None:
            at = float(self.threshold)
            found |= {"threshold": at, "f1_at_threshold": counts(y == 1, p[:, 1], at).rates[2]}
        return found

    def calibrate(self) -> None:
        """Of a table with two classes, the threshold with the best F1 of the second one on the validation split."""
        from mlcli.metric.threshold import best_threshold

        if self.data.kind != "table" or len(self.data.classes) != 2 or not len(self.data.splits["val"]):
            return
        outputs, targets = forward_split(self.model, self.loader, "val")
        probabilities = outputs.float().softmax(1)[:, 1].cpu().numpy()
        chosen = best_threshold(targets.cpu().numpy() == 1, probabilities)
        self.threshold = None if chosen is None else torch.tensor(chosen, dtype=torch.float64)

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        own = {} if self.threshold is None else {"decision.threshold": self.threshold}
        return state | {"model": state["model"] | own}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        weights = dict(state["model"])
        self.threshold = weights.pop("decision.threshold", None)
        super().load_state_dict(state | {"model": weights})

    def _boundary(self, inputs: np.ndarray, targets: np.ndarray) -> list[Plot]:
        """The decision boundary of two features; nothing for other data."""
        if self.data.kind != "vector" or self.data.shape != (2,):
            return []
        from mlcli.task.plots.boundary import decision_boundary

        def probabilities(points: np.ndarray) -> np.ndarray:
            return self._predict(points, "probabilities")

        def classify(points: np.ndarray) -> np.ndarray:
            return self._predict(points, "prediction")

        return [decision_boundary(inputs, targets, self.data.classes, self.data.features, probabilities, classify)]

    @torch.inference_mode()
    def _predict(self, raw: np.ndarray, name: str) -> np.ndarray:
        """One of the predictions for raw inputs B × 2."""
        with evaluating(self.model):
            predictions: dict[str, Tensor] = self.inference()(self.loader.prepare(torch.from_numpy(raw)))
        return predictions[name].cpu().numpy()

    def _kernels(self, inputs: np.ndarray, targets: np.ndarray) -> list[Plot]:
        """The kernels of the first convolution of a network for images, and their feature maps of one image of each
        of a few classes; nothing for other networks."""
        layer = next((module for module in self.model.modules() if isinstance(module, nn.Conv2d)), None)
        if self.data.kind != "image" or layer is None:
            return []
        from mlcli.figure.kernels import kernels

        chosen = [int((targets == label).argmax()) for label in np.unique(targets)[:PLOTTED]]
        maps: list[Tensor] = []
        hook = layer.register_forward_hook(lambda module, inputs, output: maps.append(output))
        self.forward(torch.from_numpy(inputs[chosen]))
        hook.remove()
        names = [self.data.classes[label] for label in targets[chosen]]
        weight = layer.weight.detach().float().cpu().numpy()
        return [kernels(weight, inputs[chosen], maps[0].float().cpu().numpy(), names)]

    def head(self) -> nn.Module:
        return MostProbable()

    def inference(self) -> nn.Module:
        if isinstance(self.model, PredictsClasses):
            return OwnClasses(self.model, self.head())
        return super().inference()


class MostProbable(nn.Module):
    """Logits B × C → `prediction`, the indices B of the most probable classes, and `probabilities` B × C."""

    def forward(self, outputs: Tensor) -> dict[str, Tensor]:
        probabilities = outputs.float().softmax(1)
        return {"prediction": probabilities.argmax(1), "probabilities": probabilities}


class OwnClasses(OfOutputs):
    """The same, with the classes that a model chooses by a rule of its own."""

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        assert isinstance(self.network, PredictsClasses)
        return super().forward(inputs) | {"prediction": self.network.estimator_classes(inputs)}


def require_numbers(data: DataSet, mixup: float, noise: float) -> None:
    """Raises ValueError for settings that change inputs as numbers, where some are codes of categories."""
    used = "task.mixup" if mixup else "task.noise"
    columns = data.examples.schema.columns if data.examples.schema is not None else ()
    if (mixup or noise) and any(column.kind in ("category", "boolean") for column in columns):
        raise ValueError(f"{used} is for numbers, and data={data.name} has categories: use {used}=0")


def cross_entropy(
    logits: Tensor,
    targets: Tensor,
    weights: Tensor | None,
    smoothing: float | Tensor,
    rows: Tensor | None = None,
) -> Tensor:
    """Mean over B examples of weight · cross-entropy with smoothed targets (Szegedy et al. 2016, arXiv 1512.00567).

    weights: C. rows: further weights of the examples, B. smoothing: a tensor inside a stack of trials, for which
    F.cross_entropy accepts only a number.
    """
    if rows is not None:
        log_probabilities = logits.log_softmax(1)
        weighted = log_probabilities if weights is None else log_probabilities * weights
        hits = weighted.gather(1, targets.unsqueeze(1)).squeeze(1)
        return (rows * ((smoothing - 1) * hits - smoothing * weighted.mean(1))).sum() / len(targets)
    if isinstance(smoothing, Tensor):
        log_probabilities = logits.log_softmax(1)
        weighted = log_probabilities if weights is None else log_probabilities * weights
        hit = weighted.gather(1, targets.unsqueeze(1)).sum()
        return ((smoothing - 1) * hit - smoothing * weighted.mean(1).sum()) / len(targets)
    if weights is None:
        return F.cross_entropy(logits, targets, label_smoothing=smoothing)
    return F.cross_entropy(logits, targets, weights, reduction="sum", label_smoothing=smoothing) / len(targets)
