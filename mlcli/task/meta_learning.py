"""Meta-learning: initial weights from which a few steps of gradient descent learn a new task from a few examples.

A task is the regression of a group of examples, or the classification of a few of many classes. MAML (Finn et al.
2017, arXiv 1703.03400), first-order MAML and Reptile (Nichol et al. 2018, arXiv 1803.02999), ANIL (Raghu et al. 2020,
arXiv 1909.09157) and Meta-SGD (Li et al. 2017, arXiv 1707.09835).

Shapes: M tasks of a meta-batch, S support examples, Q queries, T tasks of a split, P examples of each, E evaluations
(after different numbers of inner steps).
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import cycle, islice
from typing import Annotated, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from mlcli.config.ranges import Range
from mlcli.figure.adaptation import adaptation, by_inner_step
from mlcli.figure.panels import Curve
from mlcli.figure.plot import Plot
from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.metric import meta_learning
from mlcli.task.gradient.gradient_task import GradientTask, require_single_target
from mlcli.task.inference.columns import to_columns
from mlcli.task.meta.adaptation import Loss, Weights, adapt, with_gradient
from mlcli.task.meta.inner_rates import (
    Rates,
    adapted_names,
    add_rates,
    initial_weights,
    learnt_rates,
    require_adaptable,
)
from mlcli.task.meta.meta_batches import MetaBatches
from mlcli.task.meta.problem import ClassificationTasks, Problem, RegressionTasks
from mlcli.train.metric_values import to_floats
from mlcli.train.protocols import Evaluation
from mlcli.train.stack.stack import Stack
from mlcli.train.update import Update
from mlcli.traits import TaskTraits

Batch = tuple[Tensor, Tensor, Tensor, Tensor]
TASKS_AT_ONCE = 100  # in an evaluation
PLOTTED, GRID = 6, 200  # tasks in a figure, points of each curve


class MetaLearning(GradientTask):
    """A network whose initial weights adapt to a new task in a few inner steps of gradient descent.

    Each update is on a meta-batch of `tasks` tasks. The network adapts to each by `inner_steps` steps with the inner
    learning rate `inner_lr` on `shots` support examples, and its loss is on `queries` others. The methods differ in
    the meta-gradient:

    maml: of the query loss, through the inner steps. fomaml: of the query loss by the adapted weights (first-order
    MAML). anil: as maml, but only the head adapts, in evaluation too. reptile: the difference between the initial
    weights and those adapted to support and queries in turn, divided by the inner learning rate. joint: of the loss
    of the initial weights on all examples: joint training on all tasks, a baseline that adapts in evaluation only.

    ways: the classes of a task, for data with classes; shots and queries are then per class.
    learn_inner_rate: learns an inner learning rate for each parameter (Meta-SGD).
    evaluation_tasks: the number of tasks of a split (at most the number of its groups), always the same, which are
    evaluated after each number of steps in `evaluation_steps`; all examples of a group but the shots are queries. The
    metric `loss` is the one after `inner_steps`. Targets are not standardised, so a good inner learning rate
    depends on their unit.
    """

    traits = TaskTraits(per_trial=("inner_lr",), layer_statistics=False, names="", skips_batches=True)

    def __init__(
        self,
        data: DataSet,
        model: nn.Module,
        update: Update,
        loader: Loader,
        *,
        method: Literal["maml", "fomaml", "reptile", "anil", "joint"] = "maml",
        inner_steps: Annotated[int, Range(1)] = 1,
        inner_lr: Annotated[float, Range(0, low_open=True)] = 0.01,
        learn_inner_rate: bool = False,
        ways: Annotated[int, Range(2)] = 5,
        shots: Annotated[int, Range(1)] = 10,
        queries: Annotated[int, Range(1)] = 10,
        tasks: Annotated[int, Range(1)] = 25,
        steps: Annotated[int, Range(1)] = 500,
        evaluation_tasks: Annotated[int, Range(2)] = 500,
        evaluation_steps: Sequence[Annotated[int, Range(0)]] = (0, 1, 5, 10),
    ) -> None:
        super().__init__(data, model, update, loader)
        require_adaptable(model)
        _check(method, inner_steps, learn_inner_rate)
        self.method, self.inner_steps, self.inner_lr = method, inner_steps, inner_lr
        self.learn_inner_rate = learn_inner_rate
        self.meta_batch, self.steps = tasks, steps
        self.evaluation_tasks, self.evaluation_steps = evaluation_tasks, evaluation_steps
        self.adapted = adapted_names(model, head_only=method == "anil")
        self.problem: Problem
        if data.classes:
            self.problem = ClassificationTasks(data, ways, shots, queries)
        else:
            self.problem = RegressionTasks(data, shots, queries)
        self.support = shots * (ways if data.classes else 1)

    @staticmethod
    def outputs(data: DataSet, cfg: Any) -> int:
        """`ways` for data with classes, else 1. Raises ValueError for data with several targets per example."""
        require_single_target(data)
        return int(cfg.task.ways) if data.classes else 1

    @staticmethod
    def epoch_steps(data: DataSet, cfg: Any) -> int:
        """The updates of an epoch."""
        return int(cfg.task.steps)

    @staticmethod
    def extend(model: nn.Module, settings: Any) -> None:
        """Adds learnt inner learning rates to the model."""
        if settings.learn_inner_rate:
            add_rates(model, adapted_names(model, head_only=settings.method == "anil"), settings.inner_lr)

    @staticmethod
    def stack(tasks: "Sequence[MetaLearning]") -> Stack:
        """torch.vmap over trials, and in each over the tasks of a meta-batch."""
        return Stack(tasks, MetaBatches(tasks))

    def batches(self, epoch: int, start: int = 0) -> Iterable[Batch]:
        """Meta-batches: support inputs and targets M × S, query inputs and targets M × Q. They follow from seed and
        epoch alone."""
        self.model.train()
        generator, support, queries = self.loader.generator(epoch), slice(self.support), slice(self.support, None)
        for number in range(self.steps):
            index_MP = self.problem.tasks["train"].sample(self.meta_batch, generator)
            if number < start:
                continue
            inputs, targets = self.problem.examples(index_MP, self.loader)
            yield inputs[:, support], targets[:, support], inputs[:, queries], targets[:, queries]

    def loss(self, *batch: Tensor) -> Tensor:
        """Mean over the tasks of a meta-batch, by torch.vmap."""
        losses_M: Tensor = torch.vmap(self._loss)(*batch)
        return losses_M.mean()

    def memory_proxy(self, *batch: Tensor) -> Tensor:
        """As the loss, with three forward passes in place of each inner step, which keep about as much memory."""

        def one(
            weights: Weights, support: Tensor, support_targets: Tensor, queries: Tensor, targets: Tensor
        ) -> Tensor:
            inner = [self._on(support, support_targets)(weights) for _ in range(3 * self.inner_steps)]
            return torch.stack([*inner, self._on(queries, targets)(weights)]).sum()

        own = {name: torch.stack([each] * len(batch[0])) for name, each in initial_weights(self.model).items()}
        losses_M: Tensor = torch.vmap(one)(own, *batch)
        return losses_M.mean()

    def _loss(self, support: Tensor, support_targets: Tensor, queries: Tensor, targets: Tensor) -> Tensor:
        """Of one task: the query loss after adaptation, with the gradient of the method."""
        weights, rates = initial_weights(self.model), self._rates()
        on_support, on_queries = self._on(support, support_targets), self._on(queries, targets)
        if self.method == "joint":
            return self._on(torch.cat([support, queries]), torch.cat([support_targets, targets]))(weights)
        if self.method == "reptile":
            losses = list(islice(cycle([on_support, on_queries]), self.inner_steps))
            adapted = adapt(losses, weights, rates, second_order=False)
            gradient = {name: (weights[name] - adapted[name]) / rates[name] for name in rates}
            return with_gradient(on_queries(adapted), weights, gradient)
        return on_queries(adapt([on_support] * self.inner_steps, weights, rates, self.method != "fomaml"))

    def _on(self, inputs: Tensor, targets: Tensor) -> Loss:
        """The loss on these examples, as a function of the weights."""
        return lambda weights: self.problem.loss(functional_call(self.model, weights, (inputs,)), targets)

    def _rates(self) -> Rates:
        """The inner learning rates by the names of the parameters that adapt."""
        if self.learn_inner_rate:
            return learnt_rates(self.model, self.adapted)
        return dict.fromkeys(self.adapted, self.inner_lr)

    @torch.no_grad()
    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        steps = sorted({0, self.inner_steps, *self.evaluation_steps})
        index_TP = self.problem.tasks[split].evaluation_tasks(self.evaluation_tasks)
        inputs, targets = self.problem.examples(index_TP, self.loader)
        outputs = self._adapt(inputs, targets, inputs, steps)
        scores = self.problem.scores(outputs[:, :, self.support :], targets[:, self.support :])
        metrics: dict[str, Any] = {name: each[steps.index(self.inner_steps)].mean() for name, each in scores.items()}
        for name, each_ET in scores.items():
            metrics |= meta_learning.scores(dict(zip(steps, each_ET, strict=True)), name, full)
        evaluation = Evaluation(metrics)
        if full:
            by_step = dict(zip(steps, self.problem.predictions(outputs).cpu().numpy(), strict=True))
            evaluation.columns = self._columns(index_TP, by_step)
            evaluation.plots = lambda: self._plots(metrics, list(scores), index_TP)
        return evaluation

    def _adapt(self, inputs: Tensor, targets: Tensor, queries: Tensor, steps: Sequence[int]) -> Tensor:
        """Outputs for queries T × P after each number of inner steps in `steps`: E × T × P × outputs."""
        tensors = (inputs[:, : self.support], targets[:, : self.support], queries)
        parts = zip(*(torch.split(tensor, TASKS_AT_ONCE) for tensor in tensors), strict=True)
        of_tasks = torch.vmap(partial(self._outputs_by_step, steps), out_dims=1)
        return torch.cat([of_tasks(*part) for part in parts], 1).float()

    def _outputs_by_step(self, steps: Sequence[int], support: Tensor, targets: Tensor, queries: Tensor) -> Tensor:
        """Of one task: E × P × outputs."""
        weights, outputs = initial_weights(self.model), []
        for step in range(max(steps) + 1):
            if step:
                weights = adapt([self._on(support, targets)], weights, self._rates(), second_order=False)
            if step in steps:
                outputs.append(functional_call(self.model, weights, (queries,)))
        return torch.stack(outputs)

    def _columns(self, index_TP: Tensor, by_step: dict[int, np.ndarray]) -> dict[str, np.ndarray]:
        """One row per example, in the order of the split; `prediction` is that before adaptation."""
        role = np.where(np.arange(index_TP.shape[1]) < self.support, "support", "query")
        predictions = {"prediction": by_step[0], "adapted": by_step[self.inner_steps]}
        columns = {"index": index_TP.numpy(), "role": np.tile(role, (len(index_TP), 1))}
        columns |= self.problem.columns(index_TP, predictions)
        order = index_TP.flatten().argsort(stable=True).numpy()
        return {name: column.flatten()[order] for name, column in columns.items()}

    @torch.no_grad()
    def _plots(self, metrics: dict[str, Any], scores: Sequence[str], index_TP: Tensor) -> list[Plot]:
        curves = {score: Curve(*meta_learning.by_inner_step(to_floats(metrics), score)) for score in scores}
        plots = [by_inner_step(score, curve, len(index_TP)) for score, curve in curves.items()]
        if self.data.shape == (1,) and not self.data.classes:
            plots.append(self._adaptation(index_TP[:PLOTTED]))
        return plots

    def _adaptation(self, index: Tensor) -> Plot:
        """Predictions for some tasks with one feature, as curves over it."""
        examples, steps = self.data.examples, sorted({0, self.inner_steps, max(self.evaluation_steps)})
        raw = examples.inputs[index][..., 0]
        grid = torch.linspace(float(raw.min()), float(raw.max()), GRID)
        queries = self.loader.prepare(grid.unsqueeze(1)).expand(len(index), -1, -1)
        outputs = self._adapt(*self.problem.examples(index, self.loader), queries, steps)
        by_step = dict(zip(steps, self.problem.predictions(outputs).cpu().numpy(), strict=True))
        names = [f"task {group}" for group in self.problem.columns(index, {})["task"][:, 0]]
        points = (raw.numpy(), examples.targets[index].numpy())
        axes = ((*self.data.features, "x")[0], self.data.target)
        return adaptation(names, grid.numpy(), by_step, points, self.support, axes)

    def head(self) -> nn.Module:
        return WithoutAdaptation(self.problem)

    def columns(self, predictions: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
        return to_columns(predictions)


class WithoutAdaptation(nn.Module):
    """Outputs of the initial weights, B × outputs → `prediction` B, without adaptation to any task: numbers, or class
    indices from 0 to `ways` - 1, which denote classes within a task only."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.problem = problem

    def forward(self, outputs: Tensor) -> dict[str, Tensor]:
        return {"prediction": self.problem.predictions(outputs)}


def _check(method: str, inner_steps: int, learn_inner_rate: bool) -> None:
    if method == "reptile" and inner_steps < 2:
        raise ValueError("one inner step of Reptile is joint training: use task.inner_steps=5, or another method")
    if method in ("reptile", "joint") and learn_inner_rate:
        raise ValueError(
            f"task.method={method} has no gradient for inner learning rates: use task.learn_inner_rate=false"
        )
