"""A stack: many trials of one task trained as one computation.

Training small networks one after another spends most of its time on the overhead of small kernels; here each kernel
does the work of all networks. The forward pass is torch.vmap of functional_call over the stacked weights. The loss of
a trial depends on its own weights alone, so the backward pass of the summed losses yields the gradient of each.

Shapes: K trials ("rows"), B examples of a batch, N examples of a split.
"""

import copy
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from mlcli.cannot_stack import CannotStack
from mlcli.train.extra_state import has_extra_state
from mlcli.train.layer_statistics import GRADIENT, activations, differentiable, gradient_norms
from mlcli.train.modes import evaluating
from mlcli.train.protocols import ComputesOutputs, HasMetrics, TakesLoss, TakesMetrics, WeighsBatches
from mlcli.train.stack.layers import make_stackable
from mlcli.train.stack.sampling import per_trial_sampling
from mlcli.train.stack.side_effects import (
    AttributeGuard,
    BufferGuard,
    global_rng_states,
    require_equal_attributes,
    require_unchanged_rng,
)
from mlcli.train.stack.task_stack import TaskStack
from mlcli.train.stack.update import StackedUpdate, takes_joint_steps
from mlcli.train.stack.weights import StackedWeights
from mlcli.traits import task_traits

ALL = slice(None)
EVALUATED_ROWS = 8  # trials evaluated at once; the activations of more would not fit into the cache


class Stack(TaskStack):
    """K tasks that differ only in numbers, as the `Trials` of the training loop. A task itself stays as it is until
    its trial leaves the stack, which writes the weights back.

    tasks: each has `model`, `update` and `loader`; `loss(*batch)`, a mean over the batch (over its examples, or over
    the `batch_weight(*batch)` terms of a loss); and `metrics(outputs, targets)` of a split, where the outputs are the
    model's or those of `evaluation_outputs(inputs)`. `traits.per_trial` names the attributes that may differ between
    trials. loader: the K loaders as one.

    Raises CannotStack with the reason if the tasks cannot be one computation. The first step may raise it too, or
    RuntimeError for a layer that torch.vmap does not support.
    """

    def __init__(self, tasks: Sequence[Any], loader: Any) -> None:
        super().__init__(tasks)
        # Which operations loop over the trials is a matter of speed, which `hydra/launcher=auto` decides.
        torch._C._functorch._set_vmap_fallback_warning_enabled(False)  # type: ignore[attr-defined]
        self.loader = loader
        groups = [group["params"] for group in tasks[0].update.optimizer.param_groups]
        require_equal_attributes([task.model for task in tasks])
        joint = all(takes_joint_steps(task.update) for task in tasks)
        self.stacked = StackedWeights([task.model for task in tasks], groups, transpose=joint)
        self.update = StackedUpdate([task.update for task in tasks], self.stacked)
        self.task = copy_of(tasks[0])
        for part in vars(self.task).values():
            if isinstance(part, nn.Module):
                make_stackable(part, loader.sample)
        self.weighs_batches = isinstance(self.task, WeighsBatches)
        self.has_metrics = isinstance(self.task, HasMetrics)
        self.module = _TaskModule(self.task)
        self._stack_attributes()
        self._require_one_loss()
        self._stack_constants()
        self.batch_weights: Tensor | None = None  # of the last step, K, for tasks that weigh their batches
        self.is_first_step = True
        self.guard = AttributeGuard(self.task)

    def _stack_constants(self) -> None:
        """Stacks the tensors that tasks save with their weights and training does not change."""
        states = [task.state_dict()["model"] for task in self.tasks]
        if has_extra_state(states[0]):
            raise CannotStack("the model has extra state besides tensors (get_extra_state)")
        trained = self.stacked.all_names()
        self._require_plain_names(trained)
        self.saved = list(states[0])
        self.constants = {
            name: torch.stack([state[name] for state in states]) for name in self.saved if name not in trained
        }

    def _require_plain_names(self, known: Collection[str]) -> None:
        """Raises CannotStack if the model's state dict is not that of its parameters and buffers."""
        model = self.tasks[0].model
        own = dict(model.named_parameters(remove_duplicate=False)) | dict(model.named_buffers(remove_duplicate=False))
        for name, tensor in model.state_dict().items():
            if name not in known or tensor.data_ptr() != own[name].data_ptr() or tensor.shape != own[name].shape:
                raise CannotStack(f"its state dict has {name}, which is not a parameter or buffer as it is")

    def _require_one_loss(self) -> None:
        """Raises CannotStack if tensors of `task.loss` differ between trials, as weights of classes do by split."""
        losses = [task.own_loss for task in self.tasks if isinstance(task, TakesLoss)]
        states = [loss.state_dict() for loss in losses if isinstance(loss, nn.Module)]
        if any(not torch.equal(state[name], states[0][name]) for state in states for name in states[0]):
            raise CannotStack("their losses differ in class weights")

    def _stack_attributes(self) -> None:
        """Stacks the attributes that may differ between trials, even if they are equal: inside torch.vmap the task
        computes with them as tensors."""
        self.per_trial: dict[str, Tensor] = {}
        for name in task_traits(self.task).per_trial:
            values = [getattr(task, name) for task in self.tasks]
            if all(value is None for value in values):
                continue
            if any(value is None for value in values):
                raise CannotStack(f"some have {name} and some have none")
            like = next(flat for group in self.stacked.flats for flat in group if flat.is_floating_point())
            self.per_trial[name] = torch.stack(
                [torch.as_tensor(value, dtype=like.dtype, device=like.device) for value in values]
            )

    def batches(self, epoch: int, start: int = 0) -> Iterator[tuple[Tensor, ...]]:
        self.task.model.train()
        states: tuple[Any, ...] = ()
        for batch in self.loader.batches(epoch, start):
            states = states or global_rng_states()
            yield batch
        if states:
            require_unchanged_rng(states)  # in each epoch, as an optimizer may sample from some step on

    def step(self, batch: tuple[Tensor, ...]) -> dict[str, Any]:
        self.batch_weights = None
        weights_of = self._weights if self.weighs_batches else None
        states = global_rng_states() if self.is_first_step else ()
        losses = self.update(self.losses, *batch, weights_of=weights_of)
        if self.is_first_step:
            require_unchanged_rng(states)
            self.guard.check()
            self.is_first_step = False
        return {"loss": losses, "lr": self.update.rates}

    def weight(self, batch: tuple[Tensor, ...]) -> float | Tensor:
        return batch[0].shape[1] if self.batch_weights is None else self.batch_weights

    def losses(self, *batch: Tensor) -> Tensor:
        if not self.weighs_batches:
            losses: Tensor = self.call("loss", self.stacked.named(), self.per_trial, *batch, samples=True)
            return losses
        losses, weights = self.call(_loss_and_weight, self.stacked.named(), self.per_trial, *batch, samples=True)
        self.batch_weights = weights if self.batch_weights is None else self.batch_weights + weights
        return losses

    def _weights(self, *batch: Tensor) -> Tensor:
        weights: Tensor = torch.vmap(self.task.batch_weight)(*batch)
        return weights

    def call(
        self,
        method: Any,
        weights: dict[str, Tensor],
        per_trial: dict[str, Tensor],
        *inputs: Tensor,
        samples: bool = False,
    ) -> Any:
        """Calls a method of the task by name, or a function of the task, for each row of the tensors.

        During the call the task has the weights and attributes (`per_trial`) of that row. samples: whether it may
        sample, with a row for each trial of the stack; otherwise torch.vmap raises if it does.
        """

        def one(weights: dict[str, Tensor], per_trial: dict[str, Tensor], *inputs: Tensor) -> Any:
            sampling = (
                per_trial_sampling(self.loader.sample, next(iter(weights.values()))) if samples else nullcontext()
            )
            with _attributes(self.task, per_trial), sampling:
                return functional_call(self.module, weights, (method, *inputs))

        prefixed = {f"model.{name}": tensor for name, tensor in weights.items()}
        return torch.vmap(one, randomness="error")(prefixed, per_trial, *inputs)

    @torch.no_grad()
    def evaluate(self, split: str, full: bool) -> dict[str, list[float]]:
        """All tasks at once; one after another for a full evaluation, or where metrics are no function of outputs."""
        if full or not self.has_metrics:
            return super().evaluate(split, full)
        weights = self.stacked.named()
        with evaluating(self.task.model):
            parts = [self._evaluate(split, rows, weights) for rows in self.loader.blocks(split, EVALUATED_ROWS)]
        self.guard.check()  # after every evaluation, as a forward pass may assign in some epochs only
        return {name: torch.cat([part[name] for part in parts]).tolist() for name in parts[0]}

    def _evaluate(self, split: str, rows: slice, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        own = {name: tensor[rows] for name, tensor in weights.items()}
        per_trial = {name: tensor[rows] for name, tensor in self.per_trial.items()}
        batches = self.loader.split(split, rows)
        method = "evaluation_outputs" if isinstance(self.task, ComputesOutputs) else "model"
        pairs = [(self.call(method, own, per_trial, inputs), targets) for inputs, targets in batches]
        outputs, targets = (torch.cat(tensors, 1) for tensors in zip(*pairs, strict=True))
        metrics: dict[str, Tensor] = self.call("metrics", own, per_trial, outputs, targets)
        if isinstance(self.task, TakesMetrics) and self.task.own_metrics:  # any functions, which vmap does not take
            trios, states = zip(self.tasks[rows], outputs, targets, strict=True), global_rng_states()
            values = [task.own_values(output, target) for task, output, target in trios]
            require_unchanged_rng(states, "a metric")
            metrics |= {name: torch.tensor([each[name] for each in values]) for name in values[0]}
        return metrics

    def layer_statistics(self) -> dict[str, list[float]]:
        inputs, *rest = (each[:, : self.loader.batch_size] for each in next(iter(self.loader.split("train", ALL))))
        weights = {name: tensor.detach() for name, tensor in self.stacked.named().items()}
        trained = {name: weights[name].requires_grad_() for name in self.stacked.trained}
        with differentiable(self.task.model):
            losses = self.call("loss", weights, self.per_trial, inputs, *rest, samples=True)
            found = torch.autograd.grad(losses.sum(), list(trained.values()), materialize_grads=True)
            with torch.no_grad():
                measured: dict[str, Tensor] = self.call(activations, weights, {}, inputs, samples=True)
        norms = gradient_norms(dict(zip(trained, found, strict=True)))
        measured |= {f"{GRADIENT}{layer}": norm for layer, norm in norms.items()}
        return {name: tensor.tolist() for name, tensor in measured.items()}

    def averaged(self) -> AbstractContextManager[None]:
        return self.update.averaged()

    def weights(self) -> dict[str, Tensor]:
        named = self.stacked.all_names() | self.constants
        return {name: named[name].detach() for name in self.saved}

    def keep_rows(self, rows: list[int]) -> None:
        self.stacked.keep(rows)
        self.update.keep(rows)
        self.loader.keep(rows)
        for tensors in (self.per_trial, self.constants):
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


class _TaskModule(nn.Module):
    """A task as a module, so that functional_call can replace the weights of its model for a call of any method."""

    def __init__(self, task: Any) -> None:
        super().__init__()
        self.model = task.model
        self.guard = BufferGuard(task.model)
        self.call = lambda method, *inputs: (
            getattr(task, method)(*inputs) if isinstance(method, str) else method(task, *inputs)
        )

    def forward(self, method: Any, *inputs: Tensor) -> Any:
        before = self.guard.current()
        result = self.call(method, *inputs)  # type: ignore[no-untyped-call]
        self.guard.check(before)
        return result


def copy_of(task: Any) -> Any:
    """A copy of a task with copies of its network, and of modules that augment or corrupt its inputs.

    Raises CannotStack if a module cannot be copied.
    """
    copied = copy.copy(task)
    for name, part in vars(task).items():
        if isinstance(part, nn.Module):
            try:
                setattr(copied, name, copy.deepcopy(part))
            except Exception as error:  # of others' modules
                reason = f"{type(error).__name__}: {error}".splitlines()[0]
                raise CannotStack(f"copy.deepcopy fails for {type(part).__name__} ({reason})") from error
    return copied


@contextmanager
def _attributes(task: Any, values: dict[str, Tensor]) -> Iterator[None]:
    """Within this context the task has these attribute values."""
    before = {name: getattr(task, name) for name in values}
    vars(task).update(values)
    try:
        yield
    finally:
        vars(task).update(before)
