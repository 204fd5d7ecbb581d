"""The optimizer of some rows of a stack's weights, constructed exactly as for a trial that trains alone.

Shapes: K trials of the stack, R neighbouring rows (trials) of this optimizer.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from mlcli.cannot_stack import CannotStack
from mlcli.train.optimizers import Groups, MakeOptimizer
from mlcli.train.stack.weights import StackedWeights


class RowOptimizer:
    """An optimizer and the rows of the stacked weights that it updates.

    joint: the optimizer takes one step at learning rate 1 for all of its rows, as flat tensors R × length (see
    `mlcli.train.stack.lr_scaling`). Otherwise it has a single row, whose parameters have their own shapes.
    groups: the settings of each parameter group.
    """

    def __init__(
        self, make: MakeOptimizer, groups: Groups, weights: StackedWeights, rows: range, joint: bool
    ) -> None:
        self.rows, self.joint, self.weights = rows, joint, weights
        self.factor = 1.0  # of the base learning rates
        self.views = [list(self._views(flats, index)) for index, flats in enumerate(weights.flats)]
        if joint:
            self.optimizer = make([{"params": views} for views in self.views], lr=1.0)
        else:
            pairs = zip(groups, self.views, strict=True)
            self.optimizer = make([{**group, "params": views} for group, views in pairs])
        self.groups = list(self.optimizer.param_groups)

    def _views(self, flats: Sequence[Tensor], index: int) -> Iterator[Tensor]:
        """The optimizer's parameters of parameter group `index` as views of the flat tensors, or their gradients."""
        for flat, names in zip(flats, self.weights.names[index], strict=True):
            if self.joint:
                yield flat[self.rows.start : self.rows.stop]
            else:
                yield from (view for _, view in self.weights.parameters(flat[self.rows.start], names))

    def take_gradients(self) -> None:
        """Passes the gradients of the last backward pass to the optimizer's parameters."""
        for index, views in enumerate(self.views):
            gradients = self._views(self.weights.gradients[index], index)
            for view, gradient in zip(views, gradients, strict=True):
                view.grad = gradient

    def set_rates(self, base_rates: Sequence[float], factor: float) -> None:
        """Sets the learning rates, as an Update does: only when the factor has changed."""
        if factor != self.factor:
            self.factor = factor
            for group, base in zip(self.groups, base_rates, strict=True):
                group["lr"] = base * factor

    def require_in_place(self) -> None:
        """Raises CannotStack if the step replaced the tensors of the weights instead of changing them in place."""
        for index, flats in enumerate(self.weights.flats):
            for view, own in zip(self.views[index], self._views(flats, index), strict=True):
                if view.data_ptr() != own.data_ptr():
                    raise CannotStack(f"{type(self.optimizer).__name__} replaces the tensors of the weights")

    def drop_state(self) -> None:
        """Removes the state of these rows from an optimizer that others share."""
        for view in (view for views in self.views for view in views):
            self.optimizer.state.pop(view, None)

    def keep(self, kept: Sequence[int], first: int) -> None:
        """Continues with a subset of its rows, which are now the rows from `first` on of the weights."""
        rows = [row - self.rows.start for row in kept]
        self.rows = range(first, first + len(kept))
        for index, flats in enumerate(self.weights.flats):
            for view, now in zip(self.views[index], self._views(flats, index), strict=True):
                if self.joint:
                    select_rows(self.optimizer.state[view], view, rows)
                view.grad = None
                view.data = now


def merge(parts: Sequence[RowOptimizer]) -> list[torch.optim.Optimizer]:
    """The optimizers to step. Optimizers of torch.optim keep all state of a parameter in its group and in `state`, so
    one of each class takes over the groups of the others, and a single call performs the steps of all."""
    merged: dict[Any, torch.optim.Optimizer] = {}
    for part in parts:
        kind: Any = type(part.optimizer)
        lead = merged.setdefault(kind if kind.__module__.startswith("torch.optim.") else id(part), part.optimizer)
        if lead is not part.optimizer:
            lead.state.update(part.optimizer.state)
            part.optimizer = lead
    for lead in merged.values():
        lead.param_groups = [group for part in parts if part.optimizer is lead for group in part.groups]
    return list(merged.values())


def select_rows(state: dict[str, Any], view: Tensor, rows: Sequence[int]) -> None:
    """Keeps these rows of an optimizer's state of `view`. Step counters are the same for all rows."""
    at = torch.tensor(rows, device=view.device)
    for name, value in state.items():
        if isinstance(value, Tensor) and value.shape == view.shape:
            state[name] = value[at]
