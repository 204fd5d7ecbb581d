"""Regression: a number for each example, by mean squared error.

Targets are standardised with the mean and deviation of the training split, so that the loss and a good learning
rate do not depend on the unit; metrics and predictions are in the target's own unit. Shapes: B batch, N examples.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.loading.statistics import mean_and_std
from mlcli.metric import fast
from mlcli.task.gradient.gradient_task import forward_split, require_one_answer, restore, state_of
from mlcli.train.modes import evaluating
from mlcli.train.protocols import Evaluation
from mlcli.train.update import Update
from mlcli.traits import TaskTraits

Batch = tuple[Tensor, Tensor]


class Regression:
    """A network that gives B × 1 outputs, trained on standardised targets."""

    traits = TaskTraits(per_trial=("mean", "std"))

    def __init__(self, data: DataSet, model: nn.Module, update: Update, loader: Loader) -> None:
        self.data = data
        self.model = model
        self.update = update
        self.loader = loader
        train = data.examples.targets[data.splits["train"]].float()
        # Kept with the weights, since a prediction means nothing without them; an empty split is a loaded run.
        mean, std = mean_and_std(train, (0,)) if len(train) > 1 else (torch.tensor(0.0), torch.tensor(1.0))
        self.mean, self.std = mean.to(loader.device), std.to(loader.device)

    @staticmethod
    def outputs(data: DataSet) -> int:
        """How many outputs the network needs. Raises ValueError for data without a number for each example."""
        require_one_answer(data)
        if data.classes:
            raise ValueError(f"data={data.name} has classes: use task=classification, or other data.")
        return 1

    def batches(self, epoch: int) -> Iterable[Batch]:
        self.model.train()
        return self.loader.batches(epoch)

    def step(self, batch: Batch) -> dict[str, Any]:
        return {"loss": self.update(self.loss, *batch), **self.update.settings}

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean squared error of a batch, in standard deviations of the training targets."""
        return F.mse_loss(self.model(inputs).squeeze(1), self._scaled(targets))

    def fit_arguments(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, None]:
        """What `fit` of a model takes for a batch: inputs and standardised targets."""
        return inputs, self._scaled(targets), None

    def _scaled(self, targets: Tensor) -> Tensor:
        return (targets - self.mean) / self.std

    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        outputs, targets = forward_split(self.model, self.loader, split)
        evaluation = Evaluation(self.metrics(outputs, targets))
        if full:
            self._complete(evaluation, split, targets.cpu().numpy(), self._unscaled(outputs).cpu().numpy())
        return evaluation

    def metrics(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """What every epoch tells, from the outputs N × 1 of a split; the loss is that of training."""
        metrics = fast.regression(self._unscaled(outputs), targets)
        return metrics | {"loss": (metrics["rmse"] / self.std).square()}  # std² may be too small for a float32

    def _unscaled(self, outputs: Tensor) -> Tensor:
        return outputs.squeeze(1).float() * self.std + self.mean

    def _complete(self, evaluation: Evaluation, split: str, y: np.ndarray, predictions: np.ndarray) -> None:
        from mlcli.metric import regression
        from mlcli.task.plots.regression import plots, worst_mistakes

        evaluation.metrics |= regression.scores(y, predictions)
        index = self.data.splits[split].numpy()
        evaluation.columns = {"index": index, "target": y, "prediction": predictions}
        raw = self.data.examples.inputs[self.data.splits[split]].numpy()
        evaluation.plots = lambda: [
            *plots(y, predictions, self.data.target),
            worst_mistakes(y, predictions, raw, self.data.features, self.data.target),
        ]

    def observe(self, score: float) -> None:
        self.update.observe(score)

    @torch.inference_mode()
    def predict(self, inputs: Tensor) -> dict[str, np.ndarray]:
        with evaluating(self.model):
            return {"prediction": self._unscaled(self.model(self.loader.prepare(inputs))).cpu().numpy()}

    def state_dict(self) -> dict[str, Any]:
        state = state_of(self.model, self.update)
        state["model"] = state["model"] | {"target.mean": self.mean, "target.std": self.std}
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        weights = dict(state["model"])
        self.mean, self.std = (weights.pop(f"target.{name}").to(self.loader.device) for name in ("mean", "std"))
        restore(self.model, self.update, state | {"model": weights})
