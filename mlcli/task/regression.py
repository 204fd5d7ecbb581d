"""Regression: each example has a number, trained by mean squared error.

Targets are standardised with the mean and standard deviation of the training split, so that the loss and a good
learning rate do not depend on the unit; metrics and predictions are in the unit of the target.

Shapes: B batch, N examples of a split.
"""

from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlcli.config.ranges import Range
from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.loading.statistics import mean_and_std
from mlcli.metric import fast
from mlcli.task.gradient.gradient_task import (
    GradientTask,
    forward_split,
    require_no_row_weights,
    require_single_target,
)
from mlcli.task.gradient.members import as_examples, mean_loss, training_outputs
from mlcli.task.gradient.table_report import shown_inputs, slices
from mlcli.train.protocols import Evaluation
from mlcli.train.update import Update
from mlcli.traits import TaskTraits


class Regression(GradientTask):
    """A network with outputs B × 1, trained on standardised targets.

    coverage: for a table, the probability with which the interval of a prediction contains the target.
    """

    traits = TaskTraits(
        per_trial=("mean", "std"),
        sample_metrics=("rmse", "r2"),
        tables=True,
        robust_metric="trimmed_rmse",
        ensembles=True,
        skips_batches=True,
    )
    own_loss: Callable[[Tensor, Tensor], Tensor] | None = None  # task.loss, of standardised numbers

    def __init__(
        self,
        data: DataSet,
        model: nn.Module,
        update: Update,
        loader: Loader,
        *,
        coverage: Annotated[float, Range(0, 1, low_open=True, high_open=True)] = 0.9,
    ) -> None:
        super().__init__(data, model, update, loader)
        train = data.examples.targets[data.splits["train"]].float()
        # Saved with the weights: predictions need them. The split is empty where a run is loaded without its data.
        mean, std = mean_and_std(train, (0,)) if len(train) > 1 else (torch.tensor(0.0), torch.tensor(1.0))
        self.mean, self.std = mean.to(loader.device), std.to(loader.device)
        self.coverage = coverage
        self.margin: Tensor | None = None  # half the width of intervals

    @staticmethod
    def outputs(data: DataSet) -> int:
        """1. Raises ValueError for data without one number per example."""
        require_single_target(data)
        if data.classes:
            raise ValueError(f"data={data.name} has classes: use task=classification, or other data")
        return 1

    def loss(self, inputs: Tensor, targets: Tensor, rows: Tensor | None = None) -> Tensor:
        """Mean squared error of a batch, in standard deviations of the training targets. rows: weights of the
        examples, B."""
        outputs, scaled = training_outputs(self.model, inputs), self._scaled(targets)
        if self.own_loss is not None:
            return mean_loss(self._own_loss, outputs, scaled)
        outputs, scaled, rows = as_examples(outputs, scaled, rows)
        if rows is not None:
            return (rows * (outputs.squeeze(1) - scaled).square()).mean()
        return F.mse_loss(outputs.squeeze(1), scaled)

    def check_data(self) -> None:
        """Raises ValueError for weights of examples with a loss that has no place for them."""
        if self.own_loss is not None:
            require_no_row_weights(self.data, "task.loss")

    def _own_loss(self, outputs: Tensor, scaled: Tensor) -> Tensor:
        """Of outputs B × 1."""
        assert self.own_loss is not None
        return self.own_loss(outputs.squeeze(1), scaled)

    def fit_arguments(
        self, inputs: Tensor, targets: Tensor, rows: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """What `fit` of a model takes for a batch: inputs, standardised targets, and the weight of each example."""
        return inputs, self._scaled(targets), rows

    def _scaled(self, targets: Tensor) -> Tensor:
        return (targets - self.mean) / self.std

    def metrics(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """The metrics of every epoch, from the outputs N × 1 of a split; `loss` is the training loss."""
        predictions = self._unscaled(outputs)
        metrics = fast.regression(predictions, targets)
        if self.data.kind == "table":
            metrics["trimmed_rmse"] = fast.trimmed_rmse(predictions, targets)
        if self.own_loss is not None:
            return metrics | {"loss": self._own_loss(outputs, self._scaled(targets))}
        return metrics | {"loss": (metrics["rmse"] / self.std).square()}  # std² may be too small for a float32

    def metric_inputs(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Predictions and targets N in the unit of the target."""
        predictions = self._unscaled(outputs)
        return {"outputs": predictions, "predictions": predictions, "targets": targets}

    def _unscaled(self, outputs: Tensor) -> Tensor:
        return in_units(outputs, self.mean, self.std)

    def complete(self, evaluation: Evaluation, split: str, outputs: Tensor, targets: Tensor) -> None:
        from mlcli.metric import baseline, intervals, regression
        from mlcli.task.plots.regression import plots, worst_mistakes

        columns = self.columns(self.head()(outputs))
        y, predictions = targets.cpu().numpy(), columns["prediction"]
        evaluation.metrics |= regression.scores(y, predictions)
        evaluation.intervals = intervals.regression(y, predictions)
        evaluation.baselines = baseline.mean(self.loader.all_targets("train").cpu().numpy(), y)
        index = self.data.splits[split].numpy()
        evaluation.columns = {"index": index, "target": y, **columns}
        if self.margin is not None:
            inside = np.abs(y - predictions) <= float(self.margin)
            evaluation.metrics["coverage"] = torch.tensor(inside.mean())
        evaluation.slices = slices(self.data, split, np.square(y - predictions, dtype=np.float64))
        raw, features, levels = shown_inputs(self.data, split)
        evaluation.plots = lambda: [
            *plots(y, predictions, self.data.target),
            worst_mistakes(y, predictions, raw, features, self.data.target, levels),
        ]

    def head(self) -> nn.Module:
        return InUnits(self.mean, self.std, self.margin)

    def calibrate(self) -> None:
        """The width of the intervals, from the errors on the validation split."""
        from mlcli.metric import conformal

        if self.data.kind != "table" or not len(self.data.splits["val"]):
            return
        outputs, targets = forward_split(self.model, self.loader, "val")
        half = conformal.margin(targets.cpu().numpy(), self._unscaled(outputs).cpu().numpy(), self.coverage)
        self.margin = None if half is None else torch.tensor(half, dtype=torch.float64)

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        target = {"target.mean": self.mean, "target.std": self.std}
        if self.margin is not None:
            target["target.margin"] = self.margin
        return state | {"model": state["model"] | target}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        weights = dict(state["model"])
        self.margin = weights.pop("target.margin", None)
        self.mean, self.std = (weights.pop(f"target.{name}").to(self.loader.device) for name in ("mean", "std"))
        super().load_state_dict(state | {"model": weights})


class InUnits(nn.Module):
    """Standardised outputs B × 1 → `prediction` B in the unit of the target and, with a margin, the ends of its
    interval, `prediction/low` and `prediction/high`."""

    mean: Tensor
    std: Tensor
    margin: Tensor | None

    def __init__(self, mean: Tensor, std: Tensor, margin: Tensor | None) -> None:
        super().__init__()
        self.register_buffer("mean", mean.clone())
        self.register_buffer("std", std.clone())
        self.register_buffer("margin", None if margin is None else margin.to(mean))

    def forward(self, outputs: Tensor) -> dict[str, Tensor]:
        prediction = in_units(outputs, self.mean, self.std)
        if self.margin is None:
            return {"prediction": prediction}
        ends = {"prediction/low": prediction - self.margin, "prediction/high": prediction + self.margin}
        return {"prediction": prediction} | ends


def in_units(outputs: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Standardised outputs B × 1 → B numbers in the unit of the target."""
    return outputs.squeeze(1).float() * std + mean
