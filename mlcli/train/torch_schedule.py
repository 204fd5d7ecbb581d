"""The learning-rate schedulers of `torch.optim.lr_scheduler`, and subclasses of other packages, as a schedule.

A scheduler changes the settings of an optimizer's parameter groups at each of its steps. Here it has an optimizer of
its own without weights, with the same groups and defaults, and its settings are copied. It can therefore be created
anew and stepped to any update: it has no state, apart from the scores of ReduceLROnPlateau.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, Literal

import torch
from torch.optim import lr_scheduler

Interval = Literal["epoch", "step"]
BY_STEP = (lr_scheduler.OneCycleLR, lr_scheduler.CyclicLR)  # their documentation steps them after every batch
MakeScheduler = Callable[[torch.optim.Optimizer, int], Any]


class TorchSchedule:
    """Steps a scheduler once per epoch or once per update (`interval`).

    make: constructs the scheduler, from an optimizer and the number of its steps in the whole training. kind: its
    class. interval: null for epochs, but updates for OneCycleLR and CyclicLR. `bind` comes before all other methods.
    """

    def __init__(self, make: MakeScheduler, kind: type[Any], interval: Interval | None = None) -> None:
        self.make, self.kind = make, kind
        self.interval = interval or ("step" if issubclass(kind, BY_STEP) else "epoch")

    def bind(self, optimizer: torch.optim.Optimizer, steps_per_epoch: int, total_steps: int) -> None:
        """Takes the settings of the optimizer's groups. Raises ValueError for a scheduler that ends too early."""
        self.groups = [
            {name: own for name, own in group.items() if name != "params"} for group in optimizer.param_groups
        ]
        self.defaults = optimizer.defaults
        self.steps_per_epoch = steps_per_epoch
        self.length = total_steps if self.interval == "step" else -(-total_steps // steps_per_epoch)
        self.changed = {"lr"}  # names of the settings that the scheduler has changed
        self._begin()
        if isinstance(self.scheduler, lr_scheduler.OneCycleLR) and self.scheduler.total_steps < self.length:
            raise ValueError(
                f"scheduler: OneCycleLR ends after {self.scheduler.total_steps} steps, and the training has "
                f"{self.length} (scheduler.interval={self.interval}): leave scheduler.total_steps out"
            )

    def settings(self, step: int) -> list[dict[str, Any]]:
        """The learning rate of each parameter group at this update, and what else the scheduler changes."""
        self._go_to(step if self.interval == "step" else step // self.steps_per_epoch)
        for group, own in zip(self.optimizer.param_groups, self.groups, strict=True):
            self.changed |= {name for name in own if group[name] != own[name]}
        return [{name: group[name] for name in self.changed} for group in self.optimizer.param_groups]

    def changes_only_rates(self) -> bool:
        """Whether it is certain to change nothing but learning rates: no momentum."""
        parts = [self.scheduler]
        for part in parts:
            if isinstance(part, lr_scheduler.SequentialLR | lr_scheduler.ChainedScheduler):
                parts += part._schedulers
            elif type(part).__module__ != lr_scheduler.__name__ or (
                isinstance(part, BY_STEP) and part.cycle_momentum
            ):
                return False
        return True

    def __call__(self, step: int, steps_per_epoch: int, total_steps: int) -> float:
        """The first group's learning rate as a factor of its configured one."""
        base = self.groups[0]["lr"]
        return float(self.settings(step)[0]["lr"] / base) if base else 1.0

    def _begin(self) -> None:
        """A new scheduler, before its first step."""
        groups = [{**deepcopy(own), "params": [torch.zeros(1)]} for own in self.groups]
        self.optimizer = _WithoutWeights(groups, deepcopy(self.defaults))
        self.scheduler: Any = self.make(self.optimizer, self.length)
        self.taken = 0

    def _go_to(self, steps: int) -> None:
        if steps < self.taken:
            self._begin()
        for _ in range(min(steps, self.length - 1) - self.taken):
            self._step()

    def _step(self, *score: float) -> None:
        self.optimizer.step()  # a scheduler warns if the optimizer has not stepped before it
        self.scheduler.step(*score)
        self.taken += 1


class TorchPlateau(TorchSchedule):
    """ReduceLROnPlateau, which steps with the monitored score of each epoch. Raises ValueError for interval=step."""

    def __init__(self, make: MakeScheduler, kind: type[Any], interval: Interval | None = None) -> None:
        super().__init__(make, kind, interval)
        if self.interval == "step":
            raise ValueError("scheduler.interval=step: ReduceLROnPlateau needs a score; use scheduler.interval=epoch")
        self.scores: list[float] = []

    def _go_to(self, steps: int) -> None:
        """Nothing to do: only scores change the learning rate."""

    def observe(self, score: float) -> None:
        """Receives the monitored score of each epoch."""
        self.scores.append(score)
        self._step(score)

    def state_dict(self) -> dict[str, Any]:
        return {"scores": list(self.scores)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._begin()
        self.scores = []
        for score in state["scores"]:
            self.observe(score)


class _WithoutWeights(torch.optim.Optimizer):
    """Holds the groups whose settings a scheduler changes."""

    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Changes nothing."""
