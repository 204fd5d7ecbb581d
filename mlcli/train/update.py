"""One gradient update: forward, backward, clipping, precision, optimizer and schedule, in that order."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from mlcli.batch_sizes import batch_sizes
from mlcli.train.averaging import Averaging
from mlcli.train.optimizers import Groups, MakeOptimizer, has_modes, needs_closure
from mlcli.train.protocols import HasState, ReactsToScores

Share = tuple[float | Tensor, int | Tensor]  # numerator and denominator


class Schedule(Protocol):
    def __call__(self, step: int, steps_per_epoch: int, total_steps: int) -> float: ...


class Update:
    """Owns the optimizer. Call it with a loss function and a batch: one update, and the mean loss of the batch.

    accumulate: micro-batches that a batch of `batch_size` examples is cut into; a smaller one is cut into fewer of
    the same size. None: every batch into as many. Their gradients, each weighted by what its loss is a mean of, add
    up to that of the whole batch, so it saves memory and changes nothing else (but the statistics of batch
    normalisation).
    l1: weight of the sum of all parameters' sizes; like weight decay it is no part of the loss that is told.
    averaging: with it, a mean of the weights is kept, and those of the model are exchanged for it in `averaged`.
    groups: the parameters, as the optimizer's constructor takes them. Raises ValueError for an optimizer whose step
    needs a closure, and for averages of an optimizer that keeps averages itself.
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
        _check(optimizer, averaging)
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
        self.parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self.model = model
        self.averages: list[Tensor] = []  # from the first update on
        self.steps = 0
        self.factor = 1.0  # what the schedule made of the base rates at the last update
        dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)
        self.autocast: Any = torch.autocast(device.type, dtype) if dtype else nullcontext()
        self.scaler = torch.amp.GradScaler(device.type) if precision == "fp16" else None

    def __call__(
        self, loss_of: Callable[..., Tensor], *batch: Tensor, weight_of: Callable[..., Tensor] | None = None
    ) -> Tensor:
        """`loss_of(*batch)` is the mean loss of a batch, a scalar; returned detached. `weight_of(*batch)` is what it
        is a mean of, by default the number of examples."""
        for parameter in self.parameters:  # now and not after the step: backward finds their memory in the cache
            parameter.grad = None
        if self.accumulate == 1:
            total = self._backward(loss_of, batch, None)
        else:
            parts = [self._backward(loss_of, part, share) for part, share in self._parts(batch, weight_of)]
            total = torch.stack(parts).sum()
        if self.scaler is not None:
            self.scaler.unscale_(self.optimizer)  # whatever is done to gradients is done to their true sizes
        self._clip()
        if self.l1:
            self._penalise()
        factor = self.schedule(self.steps, self.steps_per_epoch, self.total_steps)
        if factor != self.factor:
            self._set_rates(factor)
        if self.scaler is None:
            self.optimizer.step()
        else:
            self.scaler.step(self.optimizer)
            self.scaler.update()
        if self.averaging:
            self._average(self.averaging.share(self.steps, self.total_steps))
        self.steps += 1
        return total

    def _average(self, share: float) -> None:
        tensors = [tensor.detach() for tensor in self._averaged_tensors()]
        if self.averages:
            torch._foreach_lerp_(self.averages, tensors, share)
        else:
            self.averages = [tensor.clone() for tensor in tensors]

    def _averaged_tensors(self) -> list[Tensor]:
        """Running statistics belong to the weights, so they are averaged with them."""
        buffers = self.model.buffers() if self.model else ()
        return [*self.parameters, *(buffer for buffer in buffers if buffer.is_floating_point())]

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Meanwhile the model has the mean weights, ours or those of the optimizer, if there are such."""
        self._exchange()
        if self.has_modes:
            self.optimizer.eval()
        try:
            yield
        finally:
            self._exchange()
            if self.has_modes:
                self.optimizer.train()

    def _exchange(self) -> None:
        if not self.averages:
            return
        for tensor, average in zip(self._averaged_tensors(), self.averages, strict=True):
            tensor.data, average.data = average.data, tensor.data

    @property
    def rate(self) -> float:
        """The learning rate of the last update, of the first parameter group."""
        return float(self.base_rates[0] * self.factor)

    @property
    def settings(self) -> dict[str, float]:
        """What an epoch tells of it beside the loss."""
        return {"lr": self.rate}

    def _set_rates(self, factor: float) -> None:
        self.factor = factor
        for group, base in zip(self.optimizer.param_groups, self.base_rates, strict=True):
            group["lr"] = base * factor

    def _parts(
        self, batch: tuple[Tensor, ...], weight_of: Callable[..., Tensor] | None
    ) -> Iterator[tuple[tuple[Tensor, ...], Share]]:
        """Micro-batches, each with its share of the batch."""
        sizes = part_sizes(len(batch[0]), self.accumulate, self.batch_size)
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
        """The gradient of l1 · Σ|w|."""
        pairs = [(p, p.grad) for p in self.parameters if p.grad is not None]
        torch._foreach_add_([grad for _, grad in pairs], torch._foreach_sign([p for p, _ in pairs]), alpha=self.l1)

    def observe(self, score: float) -> None:
        """Passes the monitored score of an epoch to a schedule that reacts to it (plateau)."""
        if isinstance(self.schedule, ReactsToScores):
            self.schedule.observe(score)

    def state_dict(self) -> dict[str, Any]:
        state = {"optimizer": self.optimizer.state_dict(), "steps": self.steps, "factor": self.factor}
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
        self._set_rates(state["factor"])
        if "schedule" in state and isinstance(self.schedule, HasState):
            self.schedule.load_state_dict(state["schedule"])
        if self.scaler is not None:
            self.scaler.load_state_dict(state["scaler"])
        pairs = zip(state.get("averages", ()), self._averaged_tensors(), strict=False)
        self.averages = [average.to(tensor.device, copy=True) for average, tensor in pairs]


def part_sizes(count: int, accumulate: int, batch_size: int | None) -> list[int]:
    """How a batch of so many examples is cut, where one of `batch_size` is cut into `accumulate` parts."""
    return batch_sizes(count, -(-(batch_size or count) // accumulate))


def _check(optimizer: torch.optim.Optimizer, averaging: Averaging | None) -> None:
    kind: Any = type(optimizer)
    if needs_closure(kind):
        raise ValueError(
            f"{kind.__name__}: its step needs a closure that computes the loss again, which is not supported: use "
            "another optimizer, such as optimizer=adam"
        )
    if averaging and has_modes(optimizer):
        raise ValueError(f"trainer.average: {kind.__name__} averages the weights itself; use trainer.average=null")
