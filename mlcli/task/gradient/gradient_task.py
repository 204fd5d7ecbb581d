"""What tasks that train one network by gradient descent share. Shapes: B batch, N examples of a split, C classes."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.task.inference.columns import to_columns
from mlcli.task.inference.of_outputs import OfOutputs
from mlcli.train.modes import evaluating
from mlcli.train.protocols import Evaluation, WeighsBatches
from mlcli.train.update import Update


class GradientTask:
    """A network, the update that trains it, and the loader of its batches.

    A subclass has `loss(*batch)`, the mean loss of a batch, a scalar; `metrics(outputs, targets)` of a whole split,
    unless it replaces `evaluate`; `metric_inputs(outputs, targets)` if users may add metrics; `batch_weight(*batch)`
    where the loss is not a mean over examples; and `head()`, a module from the outputs to predictions, unless it
    replaces `inference`.
    """

    loss: Callable[..., Tensor]
    metrics: Callable[[Tensor, Tensor], dict[str, Tensor]]
    batch_weight: Callable[..., Tensor]
    metric_inputs: Callable[[Tensor, Tensor], dict[str, Tensor]]

    def __init__(self, data: DataSet, model: nn.Module, update: Update, loader: Loader) -> None:
        self.data = data
        self.model = model
        self.update = update
        self.loader = loader
        self.own_metrics: dict[str, Callable[[dict[str, Tensor]], float]] = {}  # the user's
        self.weighs_batches = isinstance(self, WeighsBatches)

    def batches(self, epoch: int, start: int = 0) -> Iterable[tuple[Tensor, ...]]:
        self.model.train()
        return self.loader.batches(epoch, start)

    def step(self, batch: tuple[Tensor, ...]) -> dict[str, Any]:
        weighted = {"weight_of": self.batch_weight} if self.weighs_batches else {}
        return {"loss": self.update(self.loss, *batch, **weighted), **self.update.settings}

    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        outputs, targets = forward_split(self.model, self.loader, split)
        evaluation = Evaluation(self.metrics(outputs, targets), predicted=self.decide(split))
        evaluation.metrics |= self.decided_metrics(evaluation.predicted, outputs, targets)
        if full:
            self.complete(evaluation, split, outputs, targets)
        own = self.own_values(outputs, targets, evaluation.predicted)
        for name in own.keys() & evaluation.metrics.keys():
            raise ValueError(f"metrics.{name}: the task has a metric of this name; use another one")
        evaluation.metrics |= own
        return evaluation

    def decide(self, split: str) -> Tensor | None:
        """The predictions N of a model that has a rule of its own for them; None if they follow from its outputs."""
        return None

    def decided_metrics(self, predicted: Tensor | None, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """The metrics of every epoch that such predictions change; by default none."""
        return {}

    def own_values(self, outputs: Tensor, targets: Tensor, predicted: Tensor | None = None) -> dict[str, float]:
        """The user's metrics of a split. Raises ValueError in one line for whatever they raise."""
        if not self.own_metrics:
            return {}
        supplied = self.metric_inputs(outputs, targets)
        if predicted is not None:
            supplied["predictions"] = predicted
        return {name: metric(supplied) for name, metric in self.own_metrics.items()}

    def complete(self, evaluation: Evaluation, split: str, outputs: Tensor, targets: Tensor) -> None:
        """Adds metrics, columns and plots to a full evaluation of a split; by default none."""

    def observe(self, score: float) -> None:
        self.update.observe(score)

    @torch.inference_mode()
    def forward(self, inputs: Tensor) -> Tensor:
        """The outputs of the network for raw inputs, B × the shape of one example, in evaluation mode."""
        with evaluating(self.model):
            outputs: Tensor = self.model(self.loader.prepare(inputs))
        return outputs

    def head(self) -> nn.Module:
        """From the outputs of the network to predictions. Raises ValueError, where a subclass has no such method."""
        raise ValueError(
            f"{type(self).__name__} needs a method `head`, which returns a module from the outputs of the network to "
            "predictions (docs/extending.md, Task)"
        )

    def inference(self) -> nn.Module:
        return OfOutputs(self.model, self.head())

    def columns(self, predictions: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
        return to_columns(predictions, self.data.classes)

    def state_dict(self) -> dict[str, Any]:
        """Weights and optimizer; batches follow from seed and epoch and need no state."""
        update = {"update": self.update.state_dict()} if self.update else {}  # None for prediction
        return {"model": self.model.state_dict(), **update}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        if "update" in state:
            self.update.load_state_dict(state["update"])


@torch.inference_mode()
def forward_split(model: nn.Module, loader: Loader, split: str) -> tuple[Tensor, Tensor]:
    """Outputs and targets of a whole split, N × outputs and N, or N × T × outputs and N × T, in evaluation mode."""
    with evaluating(model):
        outputs, targets = zip(*((model(inputs), target) for inputs, target in loader.split(split)), strict=True)
    return torch.cat(outputs), torch.cat(targets)


def require_no_row_weights(data: DataSet, key: str) -> None:
    """Raises ValueError for weights of examples, which the setting `key` has no place for."""
    if data.examples.weights is not None:
        raise ValueError(f"{key} takes no weights of rows: use data.weight=null, or leave out {key}")


def require_single_target(data: DataSet) -> None:
    """Raises ValueError, with the task to use, for data that does not have exactly one target per example."""
    targets = data.examples.targets
    if data.kind == "vector" and data.examples.world is not None:
        raise ValueError(f"data={data.name} is an environment: use task=dqn, or other data")
    if targets.ndim == 1:
        return
    if targets.is_floating_point():
        raise ValueError(
            f"data={data.name} has any number of labels per example: use task=multi_label, or other data"
        )
    task = "sequence_labelling" if data.classes else "language_model"
    raise ValueError(f"data={data.name} has a target for each time step: use task={task}, or other data")
