"""One gradient update: forward, backward, clipping, precision, optimizer and schedule, in that order."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor


class Schedule(Protocol):
    def __call__(self, step: int, steps_per_epoch: int, total_steps: int) -> float: ...


class Update:
    """Owns the optimizer. Call it with a loss function and a batch: one update, and the mean loss of the batch.

    accumulate: micro-batches that each batch is cut into. Their gradients add up to that of the whole batch, so
    it saves memory and changes nothing else (but the statistics of batch normalisation).
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        schedule: Schedule,
        *,
        steps_per_epoch: int,
        total_steps: int,
        device: torch.device,
        precision: str = "fp32",
        accumulate: int = 1,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        self.optimizer = optimizer
        self.schedule = schedule
        self.steps_per_epoch = steps_per_epoch
        self.total_steps = total_steps
        self.accumulate = accumulate
        self.clip_norm = clip_norm
        self.clip_value = clip_value
        self.base_rates = [group["lr"] for group in optimizer.param_groups]
        self.parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self.steps = 0
        self.factor = 1.0  # what the schedule made of the base rates at the last update
        dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)
        self.autocast: Any = torch.autocast(device.type, dtype) if dtype else nullcontext()
        self.scaler = torch.amp.GradScaler(device.type) if precision == "fp16" else None

    def __call__(self, loss_of: Callable[..., Tensor], *batch: Tensor) -> Tensor:
        """`loss_of(*batch)` is the mean loss of a batch, a scalar; returned detached."""
        if self.accumulate == 1:
            total = self._backward(loss_of, batch, 1.0)
        else:
            parts = [self._backward(loss_of, part, share) for part, share in self._parts(batch)]
            total = torch.stack(parts).sum()
        self._clip()
        factor = self.schedule(self.steps, self.steps_per_epoch, self.total_steps)
        if factor != self.factor:
            self._set_rates(factor)
        if self.scaler is None:
            self.optimizer.step()
        else:
            self.scaler.step(self.optimizer)
            self.scaler.update()
        self.optimizer.zero_grad()
        self.steps += 1
        return total

    @property
    def rate(self) -> float:
        """The learning rate of the last update, of the first parameter group."""
        return float(self.base_rates[0] * self.factor)

    def _set_rates(self, factor: float) -> None:
        self.factor = factor
        for group, base in zip(self.optimizer.param_groups, self.base_rates, strict=True):
            group["lr"] = base * factor

    def _parts(self, batch: tuple[Tensor, ...]) -> Iterator[tuple[tuple[Tensor, ...], float]]:
        """Micro-batches, each with its share of the examples."""
        size = len(batch[0])
        for part in zip(*(tensor.chunk(self.accumulate) for tensor in batch), strict=True):
            yield part, len(part[0]) / size

    def _backward(self, loss_of: Callable[..., Tensor], batch: tuple[Tensor, ...], share: float) -> Tensor:
        with self.autocast:
            loss = loss_of(*batch)
        if share != 1.0:
            loss = loss * share
        if self.scaler is None:
            loss.backward()  # type: ignore[no-untyped-call]
        else:
            self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def _clip(self) -> None:
        if self.clip_norm is None and self.clip_value is None:
            return
        if self.scaler is not None:
            self.scaler.unscale_(self.optimizer)
        if self.clip_value is not None:
            torch.nn.utils.clip_grad_value_(self.parameters, self.clip_value)
        if self.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.clip_norm)

    def observe(self, score: float) -> None:
        """Tells a schedule that reacts to it (plateau) the monitored score of an epoch."""
        if hasattr(self.schedule, "observe"):
            self.schedule.observe(score)

    def state_dict(self) -> dict[str, Any]:
        state = {"optimizer": self.optimizer.state_dict(), "steps": self.steps, "factor": self.factor}
        if hasattr(self.schedule, "state_dict"):
            state["schedule"] = self.schedule.state_dict()
        if self.scaler is not None:
            state["scaler"] = self.scaler.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(state["optimizer"])
        self.steps = state["steps"]
        self._set_rates(state["factor"])
        if "schedule" in state:
            self.schedule.load_state_dict(state["schedule"])  # type: ignore[attr-defined]
        if self.scaler is not None:
            self.scaler.load_state_dict(state["scaler"])
