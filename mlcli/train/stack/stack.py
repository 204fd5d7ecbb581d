"""Many trials of one task as one computation: the forward pass of K networks is torch.vmap's, over their stacked
weights, and an ordinary backward pass gives each its own gradient.

What it costs to train 64 small networks one after another is mostly the overhead of small kernels; here each kernel
does the work of all of them. Shapes: K trials, B batch, N examples of a split.
"""

import copy
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from mlcli.cannot_stack import CannotStack
from mlcli.train.layer_statistics import GRADIENT, activations, differentiable, gradient_norms
from mlcli.train.modes import evaluating
from mlcli.train.protocols import ComputesOutputs, HasMetrics, WeighsBatches
from mlcli.train.stack.layers import make_stackable
from mlcli.train.stack.task_stack import TaskStack
from mlcli.train.stack.unstackable import Attributes, Buffers, global_states, require_same
from mlcli.train.stack.update import StackedUpdate
from mlcli.train.stack.weights import StackedWeights
from mlcli.traits import task_traits

ALL = slice(None)
ROWS = 8  # trials that are evaluated at once: their activations on a whole split would not fit in a cache


class Stack(TaskStack):
    """K tasks that differ only in numbers, as the loop's trials. None of them changes until it leaves the stack.

    A task that stacks has `model`, `update` and `loader`, a `loss(*batch)` that is the mean of a batch (over its
    examples, or over what `batch_weight(*batch)` counts), and `metrics(outputs, targets)` of a split, with outputs of
    the model, or of the task's own `evaluation_outputs(inputs)`; `traits.per_trial` names those of its attributes
    that may differ from trial to trial. loader: the K tasks' loaders as one. Raises CannotStack with the reason when
    they cannot be one computation; the first step may raise RuntimeError for a layer that torch.vmap does not know.
    """

    def __init__(self, tasks: Sequence[Any], loader: Any) -> None:
        super().__init__(tasks)
        self.loader = loader
        groups = [group["params"] for group in tasks[0].update.optimizer.param_groups]
        self.stacked = StackedWeights([task.model for task in tasks], groups)
        self.update = StackedUpdate([task.update for task in tasks], self.stacked)
        self.task = copy.copy(tasks[0])
        for name, part in vars(tasks[0]).items():
            if isinstance(part, nn.Module):  # the network, and what changes its inputs
                setattr(self.task, name, copy.deepcopy(part))
                make_stackable(getattr(self.task, name), loader.draw)
        self.weighs_batches = isinstance(self.task, WeighsBatches)
        self.has_metrics = isinstance(self.task, HasMetrics)
        self.module = _Called(self.task)
        self._gather_numbers()
        self._gather_constants()
        self.weighed: Tensor | None = None  # what the losses of the last step are means of, where tasks say it
        self.first = True  # step
        self.attributes = Attributes(self.task)

    def _gather_constants(self) -> None:
        """What the tasks save with their weights that training does not change."""
        states = [task.state_dict()["model"] for task in self.tasks]
        trained = self.stacked.named()
        self.saved = list(states[0])
        self.constants = {
            name: torch.stack([state[name] for state in states]) for name in self.saved if name not in trained
        }

    def _gather_numbers(self) -> None:
        """The attributes that may differ, as tensors of K rows, also where they do not: a task's formula for
        tensors is the one that torch.vmap knows."""
        self.numbers: dict[str, Tensor] = {}
        for name in task_traits(self.task).per_trial:
            values = [getattr(task, name) for task in self.tasks]
            if all(value is None for value in values):
                continue
            if any(value is None for value in values):
                raise CannotStack(f"some have {name} and some have none")
            like = self.stacked.flats[0][0]
            self.numbers[name] = torch.stack(
                [torch.as_tensor(value, dtype=like.dtype, device=like.device) for value in values]
            )

    def batches(self, epoch: int) -> Iterable[tuple[Tensor, ...]]:
        self.task.model.train()
        return self.loader.batches(epoch)  # type: ignore[no-any-return]

    def step(self, batch: tuple[Tensor, ...]) -> dict[str, Any]:
        self.weighed = None
        weights_of = self._weights if self.weighs_batches else None
        states = global_states() if self.first else ()
        losses = self.update(self._losses, *batch, weights_of=weights_of)
        if self.first:
            require_same(states)
            self.attributes.check()
            self.first = False
        return {"loss": losses, "lr": self.update.rates}

    def weight(self, batch: tuple[Tensor, ...]) -> float | Tensor:
        return batch[0].shape[1] if self.weighed is None else self.weighed

    def _losses(self, *batch: Tensor) -> Tensor:
        if not self.weighs_batches:
            losses: Tensor = self._call("loss", self.stacked.named(), self.numbers, *batch)
            return losses
        losses, weights = self._call(_loss_and_weight, self.stacked.named(), self.numbers, *batch)
        self.weighed = weights if self.weighed is None else self.weighed + weights
        return losses

    def _weights(self, *batch: Tensor) -> Tensor:
        weights: Tensor = torch.vmap(self.task.batch_weight)(*batch)
        return weights

    def _call(self, method: Any, weights: dict[str, Tensor], numbers: dict[str, Tensor], *inputs: Tensor) -> Any:
        """The task's method of this name, or a function of the task, for each row of the tensors, with that row's
        weights and numbers in place."""

        def one(weights: dict[str, Tensor], numbers: dict[str, Tensor], *inputs: Tensor) -> Any:
            with _attributes(self.task, numbers):
                return functional_call(self.module, weights, (method, *inputs))

        prefixed = {f"model.{name}": tensor for name, tensor in weights.items()}
        return torch.vmap(one, randomness="error")(prefixed, numbers, *inputs)

    @torch.no_grad()
    def evaluate(self, split: str, full: bool) -> dict[str, list[float]]:
        """All tasks at once; one after another for a full evaluation, or where metrics are no function of outputs."""
        if full or not self.has_metrics:
            return super().evaluate(split, full)
        weights = self.stacked.named()
        with evaluating(self.task.model):
            parts = [self._evaluate(split, rows, weights) for rows in self.loader.blocks(split, ROWS)]
        self.attributes.check()  # again and again: a forward may assign only now and then
        return {name: torch.cat([part[name] for part in parts]).tolist() for name in parts[0]}

    def _evaluate(self, split: str, rows: slice, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        own = {name: tensor[rows] for name, tensor in weights.items()}
        numbers = {name: tensor[rows] for name, tensor in self.numbers.items()}
        batches = self.loader.split(split, rows)
        method = "evaluation_outputs" if isinstance(self.task, ComputesOutputs) else "model"
        pairs = [(self._call(method, own, numbers, inputs), targets) for inputs, targets in batches]
        outputs, targets = (torch.cat(tensors, 1) for tensors in zip(*pairs, strict=True))
        metrics: dict[str, Tensor] = self._call("metrics", own, numbers, outputs, targets)
        return metrics

    def layer_statistics(self) -> dict[str, list[float]]:
        inputs, *rest = (each[:, : self.loader.batch_size] for each in next(iter(self.loader.split("train", ALL))))
        weights = {name: tensor.detach() for name, tensor in self.stacked.named().items()}
        trained = {name: weights[name].requires_grad_() for name in self.stacked.trained}
        with differentiable(self.task.model):
            losses = self._call("loss", weights, self.numbers, inputs, *rest)
            found = torch.autograd.grad(losses.sum(), list(trained.values()), materialize_grads=True)
            with torch.no_grad():
                measured: dict[str, Tensor] = self._call(activations, weights, {}, inputs)
        norms = gradient_norms(dict(zip(trained, found, strict=True)))
        measured |= {f"{GRADIENT}{layer}": norm for layer, norm in norms.items()}
        return {name: tensor.tolist() for name, tensor in measured.items()}

    def averaged(self) -> AbstractContextManager[None]:
        return self.update.averaged()

    def weights(self) -> dict[str, Tensor]:
        named = self.stacked.named() | self.constants
        return {name: named[name].detach() for name in self.saved}

    def keep_rows(self, rows: list[int]) -> None:
        self.stacked.keep(rows)
        self.update.keep(rows)
        self.loader.keep(rows)
        for tensors in (self.numbers, self.constants):
            tensors.update({name: tensor[rows] for name, tensor in tensors.items()})

    @torch.no_grad()
    def write_back(self, rows: Sequence[int] | None = None) -> None:
        """Copies the current weights of these rows, by default of all, into the models of their tasks, in place."""
        weights = self.stacked.named()
        for row in range(len(self.tasks)) if rows is None else rows:
            model = self.tasks[row].model
            for name, tensor in {**dict(model.named_parameters()), **dict(model.named_buffers())}.items():
                tensor.copy_(weights[name][row])


def _loss_and_weight(task: Any, *batch: Tensor) -> tuple[Tensor, Tensor]:
    return task.loss(*batch), task.batch_weight(*batch)


class _Called(nn.Module):
    """Lets functional_call swap the weights of a task's model around a call of any of the task's methods."""

    def __init__(self, task: Any) -> None:
        super().__init__()
        self.model = task.model
        self.kept = Buffers(task.model)
        self.call = lambda method, *inputs: (
            getattr(task, method)(*inputs) if isinstance(method, str) else method(task, *inputs)
        )

    def forward(self, method: Any, *inputs: Tensor) -> Any:
        before = self.kept.now()
        result = self.call(method, *inputs)  # type: ignore[no-untyped-call]  # whichever method it is
        self.kept.check(before)
        return result


@contextmanager
def _attributes(task: Any, values: dict[str, Tensor]) -> Iterator[None]:
    before = {name: getattr(task, name) for name in values}
    vars(task).update(values)
    try:
        yield
    finally:
        vars(task).update(before)
