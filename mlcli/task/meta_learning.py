"""Meta-learning: initial weights from which a few steps of gradient descent learn a new task from a few examples.

A task is a group of examples with numbers, or to tell a few of many classes apart. MAML (Finn et al. 2017, arXiv
1703.03400), its first-order form and Reptile (Nichol et al. 2018, arXiv 1803.02999), ANIL (Raghu et al. 2020, arXiv
1909.09157) and Meta-SGD (Li et al. 2017, arXiv 1707.09835).

Shapes: M tasks of a meta-batch, S shots, Q queries, T tasks of a split, P points of each, E numbers of inner steps.
"""

from collections.abc import Iterable, Sequence
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
from mlcli.task.meta.problem import Classes, Numbers, Problem
from mlcli.train.metric_values import to_floats
from mlcli.train.protocols import Evaluation
from mlcli.train.stack.stack import Stack
from mlcli.train.update import Update
from mlcli.traits import TaskTraits

Batch = tuple[Tensor, Tensor, Tensor, Tensor]
AT_ONCE = 100  # tasks that are evaluated together
SHOWN, GRID = 6, 200  # tasks in a picture, points of each curve


class MetaLearning(GradientTask):
    """A network whose weights become a good start for tasks like those that it is trained on.

    Each update is from a meta-batch of `tasks` tasks. To each the network adapts by `inner_steps` steps, at the rate
    `inner_lr`, on `shots` examples, and is judged by `queries` others. The methods differ in the gradient:

    maml: of the loss on the queries, through the inner steps. fomaml: the same at the adapted weights, as if they
    were the initial ones. anil: as maml, but the head alone adapts, in evaluation too. reptile: the way back from
    weights that have adapted to shots and queries in turn, divided by the inner rate. joint: of the loss of the
    initial weights on all examples, which is to train for all tasks at once; they adapt in evaluation alone.

    ways: of data with classes, how many each task has to tell apart; shots and queries are then of each class.
    learn_inner_rate: each parameter that adapts has its own inner rate, which is learnt (Meta-SGD).
    evaluation_tasks: so many of a split (at most, of groups), always the same, are evaluated after each of
    `evaluation_steps`; of a group all but the shots are queries. What is called the loss is that after `inner_steps`.
    Numbers are taken in their own unit, and so are losses; a good inner rate belongs to that unit.
    """

    # A batch is many small ones, each for other weights, so there are no layer statistics.
    traits = TaskTraits(per_trial=("inner_lr",), layer_statistics=False)

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
        self.problem: Problem = Classes(data, ways, shots, queries) if data.classes else Numbers(data, shots, queries)
        self.support = shots * (ways if data.classes else 1)

    @staticmethod
    def outputs(data: DataSet, cfg: Any) -> int:
        """One for numbers, else one a class of a task. Raises ValueError for several answers an example."""
        require_single_target(data)
        return int(cfg.task.ways) if data.classes else 1

    @staticmethod
    def epoch_steps(data: DataSet, cfg: Any) -> int:
        """Updates in one epoch."""
        return int(cfg.task.steps)

    @staticmethod
    def extend(model: nn.Module, settings: Any) -> None:
        """Gives the network the inner rates, where they are learnt."""
        if settings.learn_inner_rate:
            add_rates(model, adapted_names(model, head_only=settings.method == "anil"), settings.inner_lr)

    @staticmethod
    def stack(tasks: "Sequence[MetaLearning]") -> Stack:
        """torch.vmap over trials, and in each over the tasks of a meta-batch."""
        return Stack(tasks, MetaBatches(tasks))

    def batches(self, epoch: int) -> Iterable[Batch]:
        """Meta-batches, M × S inputs and targets to adapt to and M × Q to be judged by, each task with other examples
        each time. They follow from seed and epoch alone."""
        self.model.train()
        generator, support, queries = self.loader.generator(epoch), slice(self.support), slice(self.support, None)
        for _ in range(self.steps):
            index_MP = self.problem.tasks["train"].draw(self.meta_batch, generator)
            inputs, targets = self.problem.examples(index_MP, self.loader)
            yield inputs[:, support], targets[:, support], inputs[:, queries], targets[:, queries]

    def loss(self, *batch: Tensor) -> Tensor:
        """Mean over the tasks of a meta-batch, which are one computation."""
        losses_M: Tensor = torch.vmap(self._loss)(*batch)
        return losses_M.mean()

    def memory_proxy(self, *batch: Tensor) -> Tensor:
        """As the loss, with three forward passes in place of each inner step, which keep about as much memory."""

        def one(weights: Weights, support: Tensor, answers: Tensor, queries: Tensor, targets: Tensor) -> Tensor:
            inner = [self._on(support, answers)(weights) for _ in range(3 * self.inner_steps)]
            return torch.stack([*inner, self._on(queries, targets)(weights)]).sum()

        own = {name: torch.stack([each] * len(batch[0])) for name, each in initial_weights(self.model).items()}
        losses_M: Tensor = torch.vmap(one)(own, *batch)
        return losses_M.mean()

    def _loss(self, support: Tensor, answers: Tensor, queries: Tensor, targets: Tensor) -> Tensor:
        """Of one task: what it costs after adaptation, with the gradient of the method."""
        weights, rates = initial_weights(self.model), self._rates()
        on_support, on_queries = self._on(support, answers), self._on(queries, targets)
        if self.method == "joint":
            return self._on(torch.cat([support, queries]), torch.cat([answers, targets]))(weights)
        if self.method == "reptile":
            turns = list(islice(cycle([on_support, on_queries]), self.inner_steps))
            there = adapt(turns, weights, rates, second_order=False)
            way_back = {name: (weights[name] - there[name]) / rates[name] for name in rates}
            return with_gradient(on_queries(there), weights, way_back)
        return on_queries(adapt([on_support] * self.inner_steps, weights, rates, self.method != "fomaml"))

    def _on(self, inputs: Tensor, targets: Tensor) -> Loss:
        """The loss on these examples, as a function of the weights."""
        return lambda weights: self.problem.loss(functional_call(self.model, weights, (inputs,)), targets)

    def _rates(self) -> Rates:
        """By the names of the parameters that adapt."""
        if self.learn_inner_rate:
            return learnt_rates(self.model, self.adapted)
        return dict.fromkeys(self.adapted, self.inner_lr)

    @torch.no_grad()
    def evaluate(self, split: str, full: bool = False) -> Evaluation:
        looks = sorted({0, self.inner_steps, *self.evaluation_steps})
        index_TP = self.problem.tasks[split].fixed(self.evaluation_tasks)
        inputs, targets = self.problem.examples(index_TP, self.loader)
        outputs = self._adapt(inputs, targets, inputs, looks)
        scores = self.problem.scores(outputs[:, :, self.support :], targets[:, self.support :])
        metrics: dict[str, Any] = {name: each[looks.index(self.inner_steps)].mean() for name, each in scores.items()}
        for name, each_ET in scores.items():
            metrics |= meta_learning.scores(dict(zip(looks, each_ET, strict=True)), name, full)
        evaluation = Evaluation(metrics)
        if full:
            course = dict(zip(looks, self.problem.answers(outputs), strict=True))
            evaluation.columns = self._columns(index_TP, course)
            evaluation.plots = lambda: self._plots(metrics, list(scores), index_TP)
        return evaluation

    def _adapt(self, inputs: Tensor, targets: Tensor, queries: Tensor, looks: Sequence[int]) -> Tensor:
        """Outputs for queries T × P, after each number of steps on the support of the tasks: E × T × P × outputs."""
        given = (inputs[:, : self.support], targets[:, : self.support], queries)
        parts = zip(*(torch.split(tensor, AT_ONCE) for tensor in given), strict=True)
        course = torch.vmap(partial(self._course, looks), out_dims=1)
        return torch.cat([course(*part) for part in parts], 1).float()

    def _course(self, looks: Sequence[int], support: Tensor, answers: Tensor, queries: Tensor) -> Tensor:
        """Of one task: E × P × outputs."""
        weights, found = initial_weights(self.model), []
        for step in range(max(looks) + 1):
            if step:
                weights = adapt([self._on(support, answers)], weights, self._rates(), second_order=False)
            if step in looks:
                found.append(functional_call(self.model, weights, (queries,)))
        return torch.stack(found)

    def _columns(self, index_TP: Tensor, course: dict[int, np.ndarray]) -> dict[str, np.ndarray]:
        """A row an example, in the order of the split; `prediction` is that before adaptation."""
        role = np.where(np.arange(index_TP.shape[1]) < self.support, "support", "query")
        answers = {"prediction": course[0], "adapted": course[self.inner_steps]}
        columns = {"index": index_TP.numpy(), "role": np.tile(role, (len(index_TP), 1))}
        columns |= self.problem.columns(index_TP, answers)
        order = index_TP.flatten().argsort(stable=True).numpy()
        return {name: column.flatten()[order] for name, column in columns.items()}

    @torch.no_grad()
    def _plots(self, metrics: dict[str, Any], scores: Sequence[str], index_TP: Tensor) -> list[Plot]:
        curves = {score: Curve(*meta_learning.by_inner_step(to_floats(metrics), score)) for score in scores}
        plots = [by_inner_step(score, curve, len(index_TP)) for score, curve in curves.items()]
        if self.data.shape == (1,) and not self.data.classes:
            plots.append(self._adaptation(index_TP[:SHOWN]))
        return plots

    def _adaptation(self, index: Tensor) -> Plot:
        """Some tasks of one feature, as curves over it."""
        examples, looks = self.data.examples, sorted({0, self.inner_steps, max(self.evaluation_steps)})
        raw = examples.inputs[index][..., 0]
        grid = torch.linspace(float(raw.min()), float(raw.max()), GRID)
        queries = self.loader.prepare(grid.unsqueeze(1)).expand(len(index), -1, -1)
        outputs = self._adapt(*self.problem.examples(index, self.loader), queries, looks)
        course = dict(zip(looks, self.problem.answers(outputs), strict=True))
        names = [f"task {group}" for group in self.problem.columns(index, {})["task"][:, 0]]
        points = (raw.numpy(), examples.targets[index].numpy())
        axes = ((*self.data.features, "x")[0], self.data.target)
        return adaptation(names, grid.numpy(), course, points, self.support, axes)

    def predict(self, inputs: Tensor) -> dict[str, np.ndarray]:
        """What the initial weights say, before adaptation, of no task in particular: a number, or a class index from
        0 to `ways` - 1, which stands for a class in a task alone."""
        return {"prediction": self.problem.answers(self.forward(inputs))}


def _check(method: str, inner_steps: int, learn_inner_rate: bool) -> None:
    if method == "reptile" and inner_steps < 2:
        raise ValueError("One inner step of Reptile is joint training: use task.inner_steps=5, or another method.")
    if method in ("reptile", "joint") and learn_inner_rate:
        raise ValueError(f"task.method={method} has no gradient for inner rates: use task.learn_inner_rate=false.")
