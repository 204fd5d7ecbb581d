"""One gradient update of K trials at once: each with its own rate, schedule, clipping and optimizer settings."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby

import torch
from torch import Tensor

from mlcli.cannot_stack import CannotStack
from mlcli.train.stack.part import Part, join
from mlcli.train.stack.proportional import is_proportional
from mlcli.train.stack.weights import StackedWeights
from mlcli.train.update import Share, Update, micro_batch_sizes

ALIKE = ("accumulate", "batch_size", "steps_per_epoch")


class StackedUpdate:
    """The updates of K trials as one. Raises CannotStack with the reason where that cannot be.

    The optimizer takes a step of rate 1 for all trials; each then goes its own rate's share of that way. This is
    exact for an optimizer that works number by number and whose step is proportional to its rate, which is tried out
    beforehand. Where it is not, every trial has an optimizer of its own, as fast as alone.
    """

    def __init__(self, updates: Sequence[Update], weights: StackedWeights) -> None:
        lead = updates[0]
        if any(getattr(update, name) != getattr(lead, name) for update in updates for name in ALIKE):
            raise CannotStack("their batches differ in size")
        if len({update.averaging is None for update in updates}) > 1:
            raise CannotStack("some average their weights and some do not")
        if lead.scaler is not None:
            raise CannotStack("the loss scaling of fp16 is one for all trials")
        if lead.has_modes:
            raise CannotStack(f"{type(lead.optimizer).__name__} has a train and an eval mode of its own")
        self.updates = list(updates)
        self.weights = weights
        self.steps = lead.steps
        self.rates: list[float] = [update.rate for update in updates]
        self.averages: list[Tensor] = []  # from the first update on
        self._build_optimizers()
        self._make_room()

    def _build_optimizers(self) -> None:
        """One for neighbours with equal settings, where they can take a step together; else one for each trial."""
        rows_of = range(len(self.updates))
        self.parts: list[Part] = []
        for _, run in groupby(rows_of, lambda row: self.updates[row].make_optimizer.config):
            rows = list(run)
            update = self.updates[rows[0]]
            together = is_proportional(update.make_optimizer)
            for part in [range(rows[0], rows[-1] + 1)] if together else [range(row, row + 1) for row in rows]:
                lead = self.updates[part.start]
                self.parts.append(Part(lead.make_optimizer, lead.groups, self.weights, part, together))
        self.optimizers = join(self.parts)

    def _make_room(self) -> None:
        """For the weights before a step, which trials that take a step together go back to."""
        flats = self.weights.flats if any(part.proportional for part in self.parts) else []
        self.before = [[torch.empty_like(flat) for flat in group] for group in flats]
        self.together = [part.proportional for part in self.parts for _ in part.rows]

    def __call__(
        self, losses_of: Callable[..., Tensor], *batch: Tensor, weights_of: Callable[..., Tensor] | None = None
    ) -> Tensor:
        """`losses_of(*batch)` is the mean loss of each trial's batch, K; returned detached. `weights_of(*batch)` is
        what each is a mean of, by default the number of examples."""
        if self.updates[0].accumulate == 1:
            total = self._backward(losses_of, batch, None, first=True)
        else:
            parts = enumerate(self._micro_batches(batch, weights_of))
            losses = [self._backward(losses_of, part, share, place == 0) for place, (part, share) in parts]
            total = torch.stack(losses).sum(0)
        self._clip()
        self._penalise()
        self._step()
        self._average()
        self.steps += 1
        return total

    def _micro_batches(
        self, batch: tuple[Tensor, ...], weights_of: Callable[..., Tensor] | None
    ) -> Iterator[tuple[tuple[Tensor, ...], Share]]:
        """Micro-batches, as an Update alone cuts them."""
        lead, size = self.updates[0], batch[0].shape[1]
        sizes = micro_batch_sizes(size, lead.accumulate, lead.batch_size)
        total = None if weights_of is None else weights_of(*batch).clamp(min=1)
        for part in zip(*(torch.split(tensor, sizes, 1) for tensor in batch), strict=True):
            if weights_of is None or total is None:
                yield part, (part[0].shape[1] / size, 1)
            else:
                yield part, (weights_of(*part), total)

    def _backward(
        self, losses_of: Callable[..., Tensor], batch: tuple[Tensor, ...], share: Share | None, first: bool
    ) -> Tensor:
        with self.updates[0].autocast:
            losses = losses_of(*batch)
        losses = losses * share[0] / share[1] if share is not None else losses
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
        for part in self.parts:
            if not part.proportional:
                part.set_rates(self.updates[part.rows.start].base_rates, factors[part.rows.start])
        for flats, copies in zip(self.weights.flats, self.before, strict=False):  # no copies where none goes back
            torch._foreach_copy_(copies, flats)
        for part in self.parts:
            part.take_gradients()
        for optimizer in self.optimizers:
            optimizer.step()
        rows = list(zip(self.updates, factors, self.together, strict=True))
        for index, copies in enumerate(self.before):
            rates = [each.base_rates[index] * factor if together else 1.0 for each, factor, together in rows]
            for flat, before in zip(self.weights.flats[index], copies, strict=True):
                torch.lerp(before, flat, self._column(rates, before), out=flat)
        if self.steps == 0:
            for part in self.parts:
                part.require_in_place()
        self.rates = [each.base_rates[0] * factor for each, factor, _ in rows]

    def keep(self, rows: Sequence[int]) -> None:
        """Goes on with the trials in these rows, as the weights do already."""
        self.updates = [self.updates[row] for row in rows]
        self.averages = [average[list(rows)] for average in self.averages]
        parts, self.parts = self.parts, []
        first = 0
        for part in parts:
            kept = [row for row in rows if row in part.rows]
            if kept:
                part.keep(kept, first)
                self.parts.append(part)
                first += len(kept)
            else:
                part.forget()
        self.optimizers = join(self.parts)
        self._make_room()
