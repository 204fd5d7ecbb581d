"""One gradient update: forward, backward, gradient clipping, learning-rate schedule, optimizer step, weight average.

Shapes: B examples of a batch, b of a micro-batch.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from mlcli.batch_sizes import batch_sizes
from mlcli.train.averaging import Averaging
from mlcli.train.closure import step_with_closure
from mlcli.train.optimizers import Groups, MakeOptimizer, has_modes, needs_closure
from mlcli.train.protocols import HasState, ReactsToScores, SetsGroups

Share = tuple[float | Tensor, int | Tensor]  # of a micro-batch in its batch, as numerator and denominator


class Schedule(Protocol):
    def __call__(self, step: int, steps_per_epoch: int, total_steps: int) -> float: ...


class Update:
    """Owns the optimizer. Calling it with a loss function and a batch performs one update and returns the batch loss.

    groups: the parameter groups, as the optimizer's constructor takes them.
    accumulate: the number of micro-batches per batch of `batch_size` examples; a smaller batch is cut into fewer
    micro-batches of the same size. With `batch_size` None every batch is cut into `accumulate` micro-batches. Their
    weighted gradients add up to the gradient of the whole batch, so accumulation saves memory without changing the
    update (except for the batch statistics of batch normalisation).
    l1: coefficient of the L1 penalty Σ|w|. Like weight decay, the penalty is not part of the returned loss.
    averaging: keeps an average of the weights, which `averaged` swaps in for evaluation.

    An optimizer whose step needs a closure (LBFGS) computes the loss of the batch several times per update, each time
    with the same random numbers; clipping and the penalty are part of every computation.

    Raises ValueError for an optimizer without learning rates, if `averaging` is combined with an optimizer that
    averages the weights itself, and if fp16 is combined with one that needs a closure.
    """

    def __init__(
        self,
        make_optimizer: MakeOptimizer,
        groups: Groups,
        schedule: Schedule,
        *,
        steps_per_epoch: int,
        total_steps: int,
        device: torch.device,
        precision: str = "fp32",
        accumulate: int = 1,
        batch_size: int | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        l1: float = 0.0,
        averaging: Averaging | None = None,
        model: nn.Module | None = None,
    ) -> None:
        self.make_optimizer = make_optimizer
        self.groups = [{name: value for name, value in group.items() if name != "params"} for group in groups]
        optimizer: Any = make_optimizer(groups)
        self.optimizer = optimizer
        self.has_modes = has_modes(optimizer)
        self.needs_closure = needs_closure(make_optimizer, optimizer)
        _check(self, averaging, precision)
        if self.has_modes:
            optimizer.train()
        self.schedule = schedule
        self.steps_per_epoch = steps_per_epoch
        self.total_steps = total_steps
        self.accumulate, self.batch_size = accumulate, batch_size
        self.clip_norm = clip_norm
        self.clip_value = clip_value
        self.l1 = l1
        self.averaging = averaging
        self.base_rates = [group["lr"] for group in optimizer.param_groups]
        if isinstance(schedule, SetsGroups):
            schedule.bind(optimizer, steps_per_epoch, total_steps)
        self.parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self.model = model
        self.averages: list[Tensor] = []  # of `_averaged_tensors`; empty before the first update
        self.steps = 0
        # What the schedule has set in each parameter group: the optimizer may change its settings itself, and they
        # are set only when the schedule's have changed.
        self.set: list[dict[str, Any]] = [{"lr": base} for base in self.base_rates]
        dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)
        self.autocast: Any = torch.autocast(device.type, dtype) if dtype else nullcontext()
        self.scaler = torch.amp.GradScaler(device.type) if precision == "fp16" else None

    def __call__(
        self, loss_of: Callable[..., Tensor], *batch: Tensor, weight_of: Callable[..., Tensor] | None = None
    ) -> Tensor:
        """Performs one update.

        loss_of: the loss of a (micro-)batch, a scalar mean. weight_of: the number of terms in that mean, by default
        the number of examples. Returns the loss of the whole batch, detached.
        """
        settings = self.group_settings(self.steps)
        if settings != self.set:
            self.set = settings
            for group, own in zip(self.optimizer.param_groups, settings, strict=True):
                group.update(own)

        def gradients() -> Tensor:
            return self._gradients(loss_of, batch, weight_of)

        if self.needs_closure:
            total = step_with_closure(self.optimizer, gradients, self._penalty)
        else:
            total = gradients()
            if self.scaler is None:
                self.optimizer.step()
            else:
                self.scaler.step(self.optimizer)
                self.scaler.update()
        if self.averaging:
            self._average(self.averaging.share(self.steps, self.total_steps))
        self.steps += 1
        return total

    def _gradients(
        self, loss_of: Callable[..., Tensor], batch: tuple[Tensor, ...], weight_of: Callable[..., Tensor] | None
    ) -> Tensor:
        """Computes the gradients that the optimizer gets, and returns the loss."""
        # Before the backward pass rather than after the step: the backward pass then reuses the memory just freed.
        for parameter in self.parameters:
            parameter.grad = None
        if self.accumulate == 1:
            total = self._backward(loss_of, batch, None)
        else:
            parts = [self._backward(loss_of, part, share) for part, share in self._micro_batches(batch, weight_of)]
            total = torch.stack(parts).sum()
        if self.scaler is not None:
            self.scaler.unscale_(self.optimizer)  # clipping and the penalty need the true gradients
        self._clip()
        if self.l1:
            self._penalise()
        return total

    def group_settings(self, step: int) -> list[dict[str, Any]]:
        """What the schedule sets in each parameter group at this update."""
        if isinstance(self.schedule, SetsGroups):
            return self.schedule.settings(step)
        factor = self.schedule(step, self.steps_per_epoch, self.total_steps)
        return [{"lr": base * factor} for base in self.base_rates]

    def _average(self, share: float) -> None:
        tensors = [tensor.detach() for tensor in self._averaged_tensors()]
        if self.averages:
            torch._foreach_lerp_(self.averages, tensors, share)
        else:
            self.averages = [tensor.clone() for tensor in tensors]

    def _averaged_tensors(self) -> list[Tensor]:
        """Parameters and floating-point buffers: running statistics belong to the weights that produced them."""
        buffers = self.model.buffers() if self.model else ()
        return [*self.parameters, *(buffer for buffer in buffers if buffer.is_floating_point())]

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Within this context the model has the averaged weights, kept here or by the optimizer, if there are any."""
        self._swap()
        if self.has_modes:
            self.optimizer.eval()
        try:
            yield
        finally:
            self._swap()
            if self.has_modes:
                self.optimizer.train()

    def _swap(self) -> None:
        if not self.averages:
            return
        for tensor, average in zip(self._averaged_tensors(), self.averages, strict=True):
            tensor.data, average.data = average.data, tensor.data

    @property
    def rate(self) -> float:
        """The learning rate of the first parameter group at the last update."""
        return float(self.set[0]["lr"])

    @property
    def settings(self) -> dict[str, float]:
        """What is logged besides the loss."""
        return {"lr": self.rate}

    def _micro_batches(
        self, batch: tuple[Tensor, ...], weight_of: Callable[..., Tensor] | None
    ) -> Iterator[tuple[tuple[Tensor, ...], Share]]:
        """Micro-batches, each with its share of the batch: the weight of its loss in the loss of the whole batch."""
        sizes = micro_batch_sizes(len(batch[0]), self.accumulate, self.batch_size)
        total = None if weight_of is None else weight_of(*batch).clamp(min=1)
        for part in zip(*(torch.split(tensor, sizes) for tensor in batch), strict=True):
            if weight_of is None or total is None:
                yield part, (len(part[0]) / len(batch[0]), 1)
            else:
                yield part, (weight_of(*part), total)

    def _backward(self, loss_of: Callable[..., Tensor], batch: tuple[Tensor, ...], share: Share | None) -> Tensor:
        with self.autocast:
            loss = loss_of(*batch)
        if share is not None:
            loss = loss * share[0] / share[1]
        if self.scaler is None:
            loss.backward()  # type: ignore[no-untyped-call]
        else:
            self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def _clip(self) -> None:
        if self.clip_value is not None:
            torch.nn.utils.clip_grad_value_(self.parameters, self.clip_value)
        if self.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.clip_norm)

    @torch.no_grad()
    def _penalise(self) -> None:
        """Adds the gradient of l1 · Σ|w|, which is l1 · sign(w)."""
        pairs = [(p, p.grad) for p in self.parameters if p.grad is not None]
        torch._foreach_add_([grad for _, grad in pairs], torch._foreach_sign([p for p, _ in pairs]), alpha=self.l1)

    @torch.no_grad()
    def _penalty(self) -> Tensor:
        """l1 · Σ|w|, a scalar."""
        sums = [parameter.abs().sum() for parameter in self.parameters] if self.l1 else []
        return self.l1 * torch.stack(sums).sum() if sums else torch.zeros(())

    def observe(self, score: float) -> None:
        """Passes the monitored score of an epoch to a schedule that reacts to it (plateau)."""
        if isinstance(self.schedule, ReactsToScores):
            self.schedule.observe(score)

    def state_dict(self) -> dict[str, Any]:
        state = {"optimizer": self.optimizer.state_dict(), "steps": self.steps, "set": self.set}
        if isinstance(self.schedule, HasState):
            state["schedule"] = self.schedule.state_dict()
        if self.scaler is not None:
            state["scaler"] = self.scaler.state_dict()
        if self.averages:
            state["averages"] = self.averages
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(state["optimizer"])
        self.steps = state["steps"]
        self.set = [dict(own) for own in state["set"]]
        if "schedule" in state and isinstance(self.schedule, HasState):
            self.schedule.load_state_dict(state["schedule"])
        if self.scaler is not None:
            self.scaler.load_state_dict(state["scaler"])
        pairs = zip(state.get("averages", ()), self._averaged_tensors(), strict=False)
        self.averages = [average.to(tensor.device, copy=True) for average, tensor in pairs]


def micro_batch_sizes(count: int, accumulate: int, batch_size: int | None) -> list[int]:
    """Sizes of the micro-batches of `count` examples, where a batch of `batch_size` is cut into `accumulate`."""
    return batch_sizes(count, -(-(batch_size or count) // accumulate))


def _check(update: Update, averaging: Averaging | None, precision: str) -> None:
    name = type(update.optimizer).__name__
    if any("lr" not in group for group in update.optimizer.param_groups):
        raise ValueError(f"optimizer: {name} has no learning rate (lr) in its parameter groups; use another one")
    if averaging and update.has_modes:
        raise ValueError(f"trainer.average: {name} averages the weights itself; use trainer.average=null")
    if update.needs_closure and precision == "fp16":
        raise ValueError(
            f"device.precision=fp16: {name} computes the loss several times per step, which loss scaling does not "
            "support; use device.precision=bf16 or fp32"
        )
