"""The protocols of what is trained: `Task`, which every task implements, and the optional methods of some tasks.

The training loop, checkpoints, sweeps and serving use these methods and no others. An optional protocol is checked
with `isinstance`, for a class as well as for an instance, and inheriting from it is not needed. Facts that hold for a
whole class are in `mlcli.traits`; the protocols of models are in `mlcli.train.model_protocols`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from torch import Tensor, nn


@dataclass
class Evaluation:
    """The result of evaluating one split.

    metrics: name → value, as tensors on the device or plain numbers; reading a tensor synchronises.
    columns, plots: of a full evaluation only: predictions as columns of one table, and a function that prepares the
    figures (objects with `name` and `save(folder)`).
    intervals: 95 % confidence intervals of some of the metrics, by name. baselines: the values of some of them for
    predictions that ignore the inputs. predicted: the predictions of a model that has a rule of its own for them.
    slices: parts of a table on which the model is clearly worse, as dataclasses.
    """

    metrics: dict[str, Any]
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    plots: Callable[[], list[Any]] = list
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    baselines: dict[str, float] = field(default_factory=dict)
    predicted: Tensor | None = None
    slices: Sequence[Any] = ()


@runtime_checkable
class Task(Protocol):
    """A learning problem: a plain object that holds its data, model, optimizer and random state."""

    def batches(self, epoch: int, start: int = 0) -> Iterable[Any]:
        """The batches of one epoch but the first `start`. Random numbers follow from the run's seed and `epoch`."""

    def step(self, batch: Any) -> dict[str, Any]:
        """One update. Tensors that it returns are averaged over the epoch, weighted by the number of examples or by
        `batch_weight`; of plain numbers the last one is kept."""

    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        """Metrics of "train", "val" or "test"; changes nothing. `full` adds what is too slow for every epoch."""

    def observe(self, score: float) -> None:
        """Receives the monitored score of each epoch, for schedules that react to it."""

    def inference(self) -> nn.Module:
        """A module from B inputs, as the model accepts them, to predictions: a dict of tensors with B rows. It shares
        the model, and holds in buffers what else predictions need."""

    def columns(self, predictions: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
        """Predictions as columns of length B, with the names of classes in place of their indices."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that a bit-exact resume needs; "model" holds the weights that serving needs."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores a state. A state with "model" alone restores the weights alone."""


class Trials(Protocol):
    """What the training loop drives: trials that train side by side, one row each. A single task is one trial."""

    sample_metrics: tuple[str, ...]  # `mlcli.traits.TaskTraits`

    def batches(self, epoch: int, start: int = 0) -> Iterable[Any]:
        """The batches of one epoch without the first `start`, each for all trials."""

    def step(self, batch: Any) -> dict[str, Any]:
        """One update of every trial: tensors with a value per row, lists of numbers, or one number for all."""

    def weight(self, batch: Any) -> float | Tensor:
        """The weight of this batch, the last one, in the averages of the epoch: for all trials, or one per row."""

    def evaluate(self, split: str, full: bool) -> dict[str, list[float]]:
        """Metrics by name, a number per row."""

    def layer_statistics(self) -> dict[str, list[float]]:
        """Norms of gradients and moments of activations (`mlcli.train.layer_statistics`) by name, one per row."""

    def averaged(self) -> AbstractContextManager[None]:
        """A context in which the weights are the averages over updates (trainer.average), where there are any."""

    def observe(self, scores: list[float]) -> None:
        """Receives the monitored score of each row."""

    def converged(self) -> list[bool]:
        """For each row, whether further epochs would change nothing."""

    def weights(self) -> dict[str, Tensor]:
        """The current weights, rows × their shape."""

    def keep(self, rows: list[int]) -> None:
        """Continues with the trials in these rows; the others have ended."""


class StackedTrials(Trials, Protocol):
    """Trials that train as one computation, in place of their own tasks."""

    def write_back(self, rows: Sequence[int] | None = None) -> None:
        """Copies the current state of these rows, by default of all, into their own tasks."""


# Of a task's class: the run uses them while it builds the model and the task.


@runtime_checkable
class SizesOutputs(Protocol):
    """The number of outputs of the model follows from the data."""

    @staticmethod
    def outputs(data: Any, cfg: Any) -> int | None:
        """From the DataSet and the run's config; an implementation may declare only the parameters that it needs.
        Raises ValueError for data that does not fit the task."""


@runtime_checkable
class PlansEpochs(Protocol):
    """An epoch is not one pass over the training split."""

    @staticmethod
    def epoch_steps(data: Any, cfg: Any) -> int:
        """The number of updates in one epoch, from the DataSet and the run's config."""


@runtime_checkable
class ExtendsModel(Protocol):
    """The task adds parameters of its own to the model before training."""

    @staticmethod
    def extend(model: nn.Module, settings: Any) -> None:
        """Changes the model in place; settings: those of `task` in the run's config."""


@runtime_checkable
class Stackable(Protocol):
    """Trials of the task train as one computation of the task's own, not as a `mlcli.train.stack.stack.Stack`."""

    @staticmethod
    def stack(tasks: Any) -> StackedTrials:
        """The tasks, which differ in seeds and `traits.per_trial` alone, as one. Raises CannotStack."""


# Of a task's instance.


@runtime_checkable
class ChecksData(Protocol):
    """Some settings fit only some data sets."""

    def check_data(self) -> None:
        """Raises ValueError for settings that do not fit the training split. Not called where weights are loaded."""


@runtime_checkable
class Calibrates(Protocol):
    """Predictions have settings that are chosen on the validation split, after training."""

    def calibrate(self) -> None:
        """Chooses them, with the current weights."""


@runtime_checkable
class HasLoader(Protocol):
    """Batches come from a `mlcli.loading.loader.Loader`, which trials with the same data can share."""

    loader: Any


@runtime_checkable
class HasUpdate(Protocol):
    """A step is an `mlcli.train.update.Update`, or an EstimatorUpdate."""

    update: Any


@runtime_checkable
class HasLoss(Protocol):
    """The loss is a function of a batch."""

    def loss(self, *batch: Tensor) -> Tensor:
        """The mean loss of a batch, a scalar."""


@runtime_checkable
class HasMetrics(Protocol):
    """The metrics of every epoch are a function of the model's outputs, so that a stack can compute them."""

    def metrics(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Scalars by name, from the outputs and targets of a whole split."""


@runtime_checkable
class ComputesOutputs(Protocol):
    """`metrics` takes something else than the outputs of the model."""

    def evaluation_outputs(self, inputs: Tensor) -> Tensor:
        """B × what `metrics` takes as outputs, for a batch of inputs."""


@runtime_checkable
class WeighsBatches(Protocol):
    """The loss is not a mean over examples."""

    def batch_weight(self, *batch: Tensor) -> Tensor:
        """The number of terms that the loss of this batch is a mean of."""


@runtime_checkable
class TakesLoss(Protocol):
    """The training loss can be replaced (`task.loss`)."""

    own_loss: Any  # None, or a function of outputs and targets that returns a scalar


@runtime_checkable
class TakesMetrics(Protocol):
    """Users can add metrics (`metrics`), which are part of every evaluation."""

    own_metrics: Any  # by name, called with `metric_inputs`

    def metric_inputs(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """What a metric may take, by name: outputs, predictions, probabilities, targets."""

    def own_values(self, outputs: Tensor, targets: Tensor) -> dict[str, float]:
        """The values of `own_metrics`."""


@runtime_checkable
class Converges(Protocol):
    """Training can end by itself."""

    converged: bool


@runtime_checkable
class FitsEstimators(Protocol):
    """Models with a `fit` of their own can be trained on the task."""

    def fit_arguments(self, *batch: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """What `fit` takes for a batch: inputs, targets and sample weights or None."""


@runtime_checkable
class StatesMemory(Protocol):
    """The memory that a trial needs is not that of an autograd graph."""

    trial_bytes: int


@runtime_checkable
class HasMemoryProxy(Protocol):
    """The loss computes gradients inside, which saved-tensor hooks cannot measure."""

    def memory_proxy(self, *batch: Tensor) -> Tensor:
        """A scalar whose autograd graph keeps about as much memory as that of the loss."""


# Of a learning-rate schedule.


@runtime_checkable
class ReactsToScores(Protocol):
    """The factor depends on the monitored scores."""

    def observe(self, score: float) -> None:
        """Receives the monitored score of each epoch."""


@runtime_checkable
class SetsGroups(Protocol):
    """It states settings of each parameter group, not one factor for all learning rates."""

    def bind(self, optimizer: Any, steps_per_epoch: int, total_steps: int) -> None:
        """Receives the optimizer, whose groups it does not change, and the length of the training."""

    def settings(self, step: int) -> list[dict[str, Any]]:
        """Of each group at this update, the learning rate (`lr`) and what else the schedule changes."""

    def changes_only_rates(self) -> bool:
        """Whether it is certain to change nothing but learning rates."""


@runtime_checkable
class HasState(Protocol):
    """The factor depends on more than the step."""

    def state_dict(self) -> dict[str, Any]:
        """What a resume needs."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores it."""
