"""The optimizer of some rows of a stack's weights, constructed exactly as for a trial that trains alone.

Shapes: K trials of the stack, R neighbouring rows (trials) of this optimizer.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mlcli.cannot_stack import CannotStack
from mlcli.train.optimizers import Groups, MakeOptimizer, is_of_torch
from mlcli.train.stack.weights import StackedWeights


class RowOptimizer:
    """An optimizer and the rows of the stacked weights that it updates.

    joint: the optimizer takes one step at learning rate 1 for all of its rows, as flat tensors R × length (see
    `mlcli.train.stack.lr_scaling`). Otherwise it has a single row, whose parameters have their own shapes, in the
    order of the model, and no gradient where they have none in a model.
    groups: the settings of each parameter group.
    """

    def __init__(
        self, make: MakeOptimizer, groups: Groups, weights: StackedWeights, rows: range, joint: bool
    ) -> None:
        self.rows, self.joint, self.weights = rows, joint, weights
        found = [list(self._views(flats, index)) for index, flats in enumerate(weights.flats)]
        if joint:
            self.views = found
            self.optimizer = make([{"params": views} for views in self.views], lr=1.0)
        else:
            self.views = [[nn.Parameter(view) for view in views] for views in found]
            pairs = zip(groups, self.views, strict=True)
            self.optimizer = make([{**group, "params": views} for group, views in pairs])
        self.groups = list(self.optimizer.param_groups)
        self.set: Sequence[dict[str, Any]] = [{"lr": group["lr"]} for group in self.groups]
        self.is_of_torch = is_of_torch(self.optimizer)

    def _views(self, flats: Sequence[Tensor], index: int) -> Iterator[Tensor]:
        """The optimizer's parameters of parameter group `index` as views of the flat tensors, or their gradients."""
        if self.joint:
            yield from (flat[self.rows.start : self.rows.stop] for flat in flats)
            return
        pairs = zip(flats, self.weights.names[index], strict=True)
        named = [self.weights.parameters(flat[self.rows.start], names) for flat, names in pairs]
        found = {name: view for views in named for name, view in views}
        yield from (found[name] for name in self.weights.ordered[index])

    def take_gradients(self) -> None:
        """Passes the gradients of the last backward pass to the optimizer's parameters."""
        for index, views in enumerate(self.views):
            gradients = self._views(self.weights.gradients[index], index)
            for place, (view, gradient) in enumerate(zip(views, gradients, strict=True)):
                is_missing = not self.joint and self.weights.ordered[index][place] in self.weights.without_gradient
                view.grad = None if is_missing else gradient

    def set_groups(self, settings: Sequence[dict[str, Any]]) -> None:
        """Sets what the schedule changes in each group, as an Update does: only when it has changed."""
        if settings != self.set:
            self.set = settings
            for group, own in zip(self.groups, settings, strict=True):
                group.update(own)

    def require_in_place(self) -> None:
        """Raises CannotStack if a step replaced the tensors of the weights instead of changing them in place."""
        for index, flats in enumerate(self.weights.flats):
            for view, own in zip(self.views[index], self._views(flats, index), strict=True):
                if view.data_ptr() != own.data_ptr():
                    raise CannotStack(f"{type(self.optimizer).__name__} replaces the tensors of the weights")

    def drop_state(self) -> None:
        """Removes the state of these rows from an optimizer that others share."""
        if self.is_of_torch:
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
        lead = merged.setdefault(type(part.optimizer) if part.is_of_torch else id(part), part.optimizer)
        if lead is not part.optimizer:
            lead.state.update(part.optimizer.state)
            part.optimizer = lead
    for lead in merged.values():
        if is_of_torch(lead):
            lead.param_groups = [group for part in parts if part.optimizer is lead for group in part.groups]
    return list(merged.values())


def select_rows(state: dict[str, Any], view: Tensor, rows: Sequence[int]) -> None:
    """Keeps these rows of an optimizer's state of `view`. Step counters are the same for all rows."""
    at = torch.tensor(rows, device=view.device)
    for name, value in state.items():
        if isinstance(value, Tensor) and value.shape == view.shape:
            state[name] = value[at]
