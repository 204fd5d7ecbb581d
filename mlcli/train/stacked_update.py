"""One gradient update of K trials at once: each with its own rate, schedule, clipping and optimizer settings."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

from mlcli.cannot_stack import CannotStack
from mlcli.train.stacked_weights import ALIGNED, StackedWeights
from mlcli.train.step import Update

PROBED = 50  # steps that are taken to see how an optimizer behaves
IDENTITY = ("params", "lr", "initial_lr")  # of a parameter group, what is no setting of the optimizer
ALIKE = ("accumulate", "steps_per_epoch")


class StackedUpdate:
    """The updates of K trials as one. Raises CannotStack with the reason where that cannot be.

    The optimizer takes a step of rate 1 for all trials; each then goes its own rate's share of that way. This is
    exact for an optimizer that works number by number and whose step is proportional to its rate, which is tried out
    beforehand. Where it is not, every trial's weights are a parameter group of their own, as fast as alone.
    """

    def __init__(self, updates: Sequence[Update], weights: StackedWeights) -> None:
        lead = updates[0]
        if len({type(update.optimizer) for update in updates}) > 1:
            raise CannotStack("their optimizers differ in kind")
        if any(getattr(update, name) != getattr(lead, name) for update in updates for name in ALIKE):
            raise CannotStack("their batches differ in size")
        if len({update.averaging is None for update in updates}) > 1:
            raise CannotStack("some average their weights and some do not")
        if lead.scaler is not None:
            raise CannotStack("the loss scaling of fp16 is one for all trials")
        self.updates = list(updates)
        self.weights = weights
        self.proportional = is_proportional(lead.optimizer)
        self.steps = lead.steps
        self.rates: list[float] = [update.rate for update in updates]
        self.averages: list[Tensor] = []  # from the first update on
        self._build_optimizer()

    def _build_optimizer(self) -> None:
        settings = [[_settings(group) for group in update.optimizer.param_groups] for update in self.updates]
        self.groups = list(self._groups(settings))
        kind: Any = type(self.updates[0].optimizer)
        self.optimizer = kind([group for _, _, group in self.groups], lr=1.0)
        flats = self.weights.flats if self.proportional else []
        self.before = [[torch.empty_like(flat) for flat in group] for group in flats]

    def _groups(self, settings: list[list[dict[str, Any]]]) -> Iterator[tuple[int, slice, dict[str, Any]]]:
        """(optimizer's group, rows, a parameter group of views into them) for neighbours with equal settings."""
        rows_of = range(len(self.updates))
        for index, flats in enumerate(self.weights.flats):
            of_group = [of_row[index] for of_row in settings]
            together = [list(run) for _, run in groupby(rows_of, of_group.__getitem__)]
            for rows in together if self.proportional else [[row] for row in rows_of]:
                part = slice(rows[0], rows[-1] + 1)
                yield index, part, {**settings[rows[0]][index], "params": self._views(flats, part, index)}

    def _views(self, flats: Sequence[Tensor], rows: slice, index: int) -> list[Tensor]:
        """What the optimizer takes for parameters: these rows of flat tensors, or each parameter of the one row."""
        if self.proportional:
            return [flat[rows] for flat in flats]
        named = zip(flats, self.weights.names[index], strict=True)
        return [view for flat, names in named for _, view in self.weights.parameters(flat[rows.start], names)]

    def __call__(self, losses_of: Callable[..., Tensor], *batch: Tensor) -> Tensor:
        """`losses_of(*batch)` is the mean loss of each trial's batch, K; returned detached."""
        lead = self.updates[0]
        total = torch.zeros(())
        if lead.accumulate == 1:
            total = self._backward(losses_of, batch, 1.0, first=True)
        else:
            size = batch[0].shape[1]
            parts = enumerate(zip(*(tensor.chunk(lead.accumulate, 1) for tensor in batch), strict=True))
            losses = [self._backward(losses_of, part, part[0].shape[1] / size, place == 0) for place, part in parts]
            total = torch.stack(losses).sum(0)
        self._clip()
        self._penalise()
        self._step()
        self._average()
        self.steps += 1
        return total

    def _backward(
        self, losses_of: Callable[..., Tensor], batch: tuple[Tensor, ...], share: float, first: bool
    ) -> Tensor:
        with self.updates[0].autocast:
            losses = losses_of(*batch)
        losses = losses * share if share != 1.0 else losses
        self.weights.backward(losses.sum(), add=not first)  # a trial's loss depends on its own row alone
        return losses.detach()

    def _clip(self) -> None:
        """Of each trial's gradient by its own limits; none is an infinite one. As torch.nn.utils clips."""
        gradients = [gradient for group in self.weights.gradients for gradient in group]
        if any(update.clip_value for update in self.updates):
            limit_K1 = self._limits("clip_value", gradients[0])
            for gradient in gradients:
                gradient.clamp_(-limit_K1, limit_K1)
        if any(update.clip_norm for update in self.updates):
            norms = [torch.linalg.vector_norm(gradient, dim=1, keepdim=True) for gradient in gradients]
            norm_K1 = torch.linalg.vector_norm(torch.cat(norms, 1), dim=1, keepdim=True)
            factor_K1 = (self._limits("clip_norm", gradients[0]) / (norm_K1 + 1e-6)).clamp(max=1.0)
            for gradient in gradients:
                gradient.mul_(factor_K1)

    @torch.no_grad()
    def _penalise(self) -> None:
        """The gradient of each trial's l1 · Σ|w|."""
        if any(update.l1 for update in self.updates):
            for flats, gradients in zip(self.weights.flats, self.weights.gradients, strict=True):
                for flat, gradient in zip(flats, gradients, strict=True):
                    gradient += self._column([update.l1 for update in self.updates], flat) * flat.sign()

    @torch.no_grad()
    def _average(self) -> None:
        if not self.updates[0].averaging:
            return
        if not self.averages:
            self.averages = [tensor.clone() for tensor in self.weights.floats()]
        else:
            shares = [each.averaging.share(self.steps, each.total_steps) for each in self.updates if each.averaging]
            for average, tensor in zip(self.averages, self.weights.floats(), strict=True):
                share = torch.tensor(shares, dtype=tensor.dtype, device=tensor.device)
                average.lerp_(tensor, share.view(-1, *[1] * (tensor.ndim - 1)))

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Meanwhile the networks have their mean weights, if there are such."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    @torch.no_grad()
    def _exchange(self) -> None:
        if self.averages:
            for tensor, average in zip(self.weights.floats(), self.averages, strict=True):
                own = tensor.clone()
                tensor.copy_(average)
                average.copy_(own)

    def _limits(self, name: str, like: Tensor) -> Tensor:
        return self._column([getattr(update, name) or torch.inf for update in self.updates], like)

    def _column(self, values: Sequence[float], like: Tensor) -> Tensor:
        return torch.tensor(values, dtype=like.dtype, device=like.device).unsqueeze(1)

    @torch.no_grad()
    def _step(self) -> None:
        factors = [each.schedule(self.steps, each.steps_per_epoch, each.total_steps) for each in self.updates]
        for index, rows, group in self.groups:
            gradients = self._views(self.weights.gradients[index], rows, index)
            for view, gradient in zip(group["params"], gradients, strict=True):
                view.grad = gradient
            if not self.proportional:
                group["lr"] = self.updates[rows.start].base_rates[index] * factors[rows.start]
        for flats, copies in zip(self.weights.flats, self.before, strict=False):  # no copies where not proportional
            torch._foreach_copy_(copies, flats)
        self.optimizer.step()
        for index, copies in enumerate(self.before):
            rates = [each.base_rates[index] * factor for each, factor in zip(self.updates, factors, strict=True)]
            for flat, before in zip(self.weights.flats[index], copies, strict=True):
                torch.lerp(before, flat, self._column(rates, before), out=flat)
        self.rates = [each.base_rates[0] * factor for each, factor in zip(self.updates, factors, strict=True)]

    def keep(self, rows: Sequence[int]) -> None:
        """Goes on with the trials in these rows, as the weights do already."""
        states = dict(self._states())
        self.updates = [self.updates[row] for row in rows]
        self.averages = [average[list(rows)] for average in self.averages]
        self._build_optimizer()
        for index, part, group in self.groups:
            of_rows = [states[index, rows[row]] for row in range(part.start, part.stop)]
            for view, each in zip(group["params"], zip(*of_rows, strict=True), strict=True):
                self.optimizer.state[view] = _join(each) if self.proportional else each[0]

    def _states(self) -> Iterator[tuple[tuple[int, int], list[dict[str, Any]]]]:
        """What the optimizer remembers of each trial: (index of the flat, row) and a state per view."""
        for index, part, group in self.groups:
            for local, row in enumerate(range(part.start, part.stop)):
                states = [(view, self.optimizer.state[view]) for view in group["params"]]
                own = [_row(state, view, local) if self.proportional else state for view, state in states]
                yield (index, row), own


def _settings(group: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in group.items() if name not in IDENTITY}


def _row(state: dict[str, Any], view: Tensor, row: int) -> dict[str, Any]:
    """One trial's part; counters are the same for all."""
    return {
        name: value[row] if isinstance(value, Tensor) and value.shape == view.shape else value
        for name, value in state.items()
    }


def _join(states: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        name: torch.stack([state[name] for state in states]) if isinstance(value, Tensor) and value.ndim else value
        for name, value in states[0].items()
    }


KNOWN: dict[tuple[type, str], bool] = {}  # by kind of optimizer and settings


def is_proportional(optimizer: torch.optim.Optimizer) -> bool:
    """Whether its steps are element-wise and proportional to the rate, found out by taking a few."""
    settings = _settings(optimizer.param_groups[0])
    key = (type(optimizer), repr(sorted(settings.items())))
    if key not in KNOWN:
        KNOWN[key] = _is_proportional(type(optimizer), settings)
    return KNOWN[key]


@torch.no_grad()
def _is_proportional(kind: Any, settings: dict[str, Any]) -> bool:
    generator = torch.Generator().manual_seed(0)
    start, *noise = torch.randn(PROBED + 1, 2, ALIGNED, dtype=torch.float64, generator=generator)
    gradients = [1.0 + each for each in noise]  # with a drift, so that a step size that grows meets its bounds
    rates = (0.1, 0.03)
    try:
        alone = [start[row].reshape(4, -1).clone() for row in range(2)]
        for row, rate in enumerate(rates):
            single = kind([{**settings, "params": [alone[row]], "lr": rate}], lr=rate)
            for gradient in gradients:
                alone[row].grad = gradient[row].reshape(4, -1).clone()
                single.step()
        both = start.clone()
        stacked = kind([{**settings, "params": [both]}], lr=1.0)
        for gradient in gradients:
            before, both.grad = both.clone(), gradient.clone()
            stacked.step()
            torch.lerp(before, both, torch.tensor(rates, dtype=both.dtype).unsqueeze(1), out=both)
    except Exception:  # whatever an optimizer says to tensors that are not the network's
        return False
    return torch.allclose(both, torch.stack(alone).reshape(2, -1), rtol=1e-9, atol=1e-12)
