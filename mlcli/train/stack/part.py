"""The optimizer of some neighbouring trials of a stack, made by the same call as that of a trial alone."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from mlcli.cannot_stack import CannotStack
from mlcli.train.optimizers import Groups, MakeOptimizer
from mlcli.train.stack.weights import StackedWeights


class Part:
    """An optimizer and the rows of the stacked weights that it moves.

    proportional: all rows take one step of rate 1 together, as flat tensors (`mlcli.train.stack.proportional`). Else
    it is one row, whose parameters have the shapes that they have alone. groups: the settings of each parameter
    group.
    """

    def __init__(
        self, make: MakeOptimizer, groups: Groups, weights: StackedWeights, rows: range, proportional: bool
    ) -> None:
        self.rows, self.proportional, self.weights = rows, proportional, weights
        self.factor = 1.0  # of the base rates
        self.views = [list(self._views(flats, index)) for index, flats in enumerate(weights.flats)]
        if proportional:
            self.optimizer = make([{"params": views} for views in self.views], lr=1.0)
        else:
            named = zip(groups, self.views, strict=True)
            self.optimizer = make([{**group, "params": views} for group, views in named])
        self.groups = list(self.optimizer.param_groups)

    def _views(self, tensors: Sequence[Tensor], index: int) -> Iterator[Tensor]:
        """What the optimizer takes for parameters, or the gradients of it, of one parameter group."""
        for tensor, names in zip(tensors, self.weights.names[index], strict=True):
            if self.proportional:
                yield tensor[self.rows.start : self.rows.stop]
            else:
                yield from (view for _, view in self.weights.parameters(tensor[self.rows.start], names))

    def take_gradients(self) -> None:
        for index, views in enumerate(self.views):
            gradients = self._views(self.weights.gradients[index], index)
            for view, gradient in zip(views, gradients, strict=True):
                view.grad = gradient

    def set_rates(self, base_rates: Sequence[float], factor: float) -> None:
        """As an Update alone does: not before the factor changes."""
        if factor != self.factor:
            self.factor = factor
            for group, base in zip(self.groups, base_rates, strict=True):
                group["lr"] = base * factor

    def require_in_place(self) -> None:
        """Raises CannotStack where the step has put other tensors in the place of the weights."""
        for index, flats in enumerate(self.weights.flats):
            for view, own in zip(self.views[index], self._views(flats, index), strict=True):
                if view.data_ptr() != own.data_ptr():
                    raise CannotStack(f"{type(self.optimizer).__name__} replaces the tensors of the weights")

    def forget(self) -> None:
        """Drops what a shared optimizer remembers of its rows."""
        for view in (view for views in self.views for view in views):
            self.optimizer.state.pop(view, None)

    def keep(self, kept: Sequence[int], first: int) -> None:
        """Goes on with these of its rows, which are those from `first` on of the weights now."""
        rows = [row - self.rows.start for row in kept]
        self.rows = range(first, first + len(kept))
        for index, flats in enumerate(self.weights.flats):
            for view, now in zip(self.views[index], self._views(flats, index), strict=True):
                if self.proportional:
                    narrow(self.optimizer.state[view], view, rows)
                view.grad = None
                view.data = now


def join(parts: Sequence[Part]) -> list[torch.optim.Optimizer]:
    """The optimizers of the parts. Those of torch keep all that they know of a parameter in its group and its state:
    of each kind, one takes over the groups of the others, and the step of all is one call."""
    joined: dict[Any, torch.optim.Optimizer] = {}
    for part in parts:
        kind: Any = type(part.optimizer)
        lead = joined.setdefault(kind if kind.__module__.startswith("torch.optim.") else id(part), part.optimizer)
        if lead is not part.optimizer:
            lead.state.update(part.optimizer.state)
            part.optimizer = lead
    for lead in joined.values():
        lead.param_groups = [group for part in parts if part.optimizer is lead for group in part.groups]
    return list(joined.values())


def narrow(state: dict[str, Any], view: Tensor, rows: Sequence[int]) -> None:
    """Cuts what an optimizer remembers of K × length numbers down to these rows. Counters are the same for all."""
    at = torch.tensor(rows, device=view.device)
    for name, value in state.items():
        if isinstance(value, Tensor) and value.shape == view.shape:
            state[name] = value[at]
