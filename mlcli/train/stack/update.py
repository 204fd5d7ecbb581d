"""One gradient update of K trials at once, each with its own learning rate, schedule, clipping and optimizer.

Shapes: K trials, B examples of a batch, L length of a flat tensor.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby

import torch
from torch import Tensor

from mlcli.cannot_stack import CannotStack
from mlcli.train.optimizers import is_of_torch
from mlcli.train.protocols import SetsGroups
from mlcli.train.stack.lr_scaling import scales_with_lr
from mlcli.train.stack.row_optimizer import RowOptimizer, merge
from mlcli.train.stack.separate_steps import require_separate_steps
from mlcli.train.stack.weights import StackedWeights
from mlcli.train.update import Share, Update, micro_batch_sizes

SHARED = ("accumulate", "batch_size", "steps_per_epoch")  # settings that all trials must have in common


def takes_joint_steps(update: Update) -> bool:
    """Whether trials with this optimizer can take one step together: it is one of torch.optim, its steps scale with
    the learning rate, and the schedule changes nothing else.

    Others are not even tested: no test shows whether one behaves otherwise at a later step.
    """
    if isinstance(update.schedule, SetsGroups) and not update.schedule.changes_only_rates():
        return False
    return is_of_torch(update.optimizer) and scales_with_lr(update.make_optimizer)


class StackedUpdate:
    """The `Update`s of K trials as one. Raises CannotStack with the reason if they cannot be combined.

    Where optimizer steps scale with the learning rate (`takes_joint_steps`), neighbouring trials with equal optimizer
    settings take one joint step at learning rate 1, and each trial then interpolates between its weights before and
    after: w ← lerp(before, after, lr). Otherwise every trial has an optimizer of its own.
    """

    def __init__(self, updates: Sequence[Update], weights: StackedWeights) -> None:
        lead = updates[0]
        if any(getattr(update, name) != getattr(lead, name) for update in updates for name in SHARED):
            raise CannotStack("their batches differ in size")
        if len({update.averaging is None for update in updates}) > 1:
            raise CannotStack("some average their weights and some do not")
        if lead.scaler is not None:
            raise CannotStack("the loss scaling of fp16 is one for all trials")
        if lead.has_modes:
            raise CannotStack(f"{type(lead.optimizer).__name__} has a train and an eval mode of its own")
        if lead.needs_closure:
            raise CannotStack(f"{type(lead.optimizer).__name__} computes the loss several times per step")
        self.updates = list(updates)
        self.weights = weights
        self.steps = lead.steps
        self.rates: list[float] = [update.rate for update in updates]
        self.stepped = False
        self.averages: list[Tensor] = []  # of `weights.averaged_tensors()`; empty before the first update
        self._build_optimizers()
        self._allocate_copies()

    def _build_optimizers(self, may_join: bool = True) -> None:
        """One per run of neighbours with equal settings that can take joint steps; else one per trial."""
        self.row_optimizers: list[RowOptimizer] = []
        joint = [may_join and takes_joint_steps(update) for update in self.updates]
        kinds = [(update.make_optimizer.config, own) for update, own in zip(self.updates, joint, strict=True)]
        for _, neighbours in groupby(range(len(self.updates)), kinds.__getitem__):
            rows = list(neighbours)
            first = self.updates[rows[0]]
            whole = joint[rows[0]]
            if not whole:
                name, of_torch = type(first.optimizer).__name__, is_of_torch(first.optimizer)
                require_separate_steps(first.make_optimizer, name, of_torch)
            for own in [range(rows[0], rows[-1] + 1)] if whole else [range(row, row + 1) for row in rows]:
                lead = self.updates[own.start]
                self.row_optimizers.append(RowOptimizer(lead.make_optimizer, lead.groups, self.weights, own, whole))
        self.optimizers = merge(self.row_optimizers)

    def _allocate_copies(self) -> None:
        """Space for the weights before a step, from which joint steps interpolate."""
        flats = self.weights.flats if any(each.joint for each in self.row_optimizers) else []
        self.before = [[torch.empty_like(flat) for flat in group] for group in flats]
        self.is_joint = [each.joint for each in self.row_optimizers for _ in each.rows]

    def __call__(
        self, losses_of: Callable[..., Tensor], *batch: Tensor, weights_of: Callable[..., Tensor] | None = None
    ) -> Tensor:
        """Performs one update of every trial.

        losses_of: the K mean losses of a (micro-)batch, tensors K × B × …. weights_of: the number of terms in each
        mean, by default the number of examples. Returns the K losses of the whole batch, detached.
        """
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
        """Micro-batches, cut as by `Update`, each with its share of the batch."""
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
        # The loss of a trial depends on its own row alone, so the gradient of the sum holds that of each trial.
        self.weights.backward(losses.sum(), add=not first)
        return losses.detach()

    def _clip(self) -> None:
        """Clips each trial's gradient by its own limits, as torch.nn.utils does; no limit is an infinite one."""
        gradients = [gradient for group in self.weights.gradients for gradient in group]
        if any(update.clip_value for update in self.updates):
            limit_K1 = self._limits("clip_value", gradients[0])
            for gradient in gradients:
                gradient.clamp_(-limit_K1, limit_K1)
        if any(update.clip_norm for update in self.updates):
            norms = [torch.linalg.vector_norm(gradient, dim=1, keepdim=True) for gradient in gradients]
            norm_K1 = torch.linalg.vector_norm(torch.cat(norms, 1), dim=1, keepdim=True)
            factor_K1 = (self._limits("clip_norm", norm_K1) / (norm_K1 + 1e-6)).clamp(max=1.0)
            for gradient in gradients:
                gradient.mul_(factor_K1)

    @torch.no_grad()
    def _penalise(self) -> None:
        """Adds the gradient of each trial's l1 · Σ|w|."""
        if any(update.l1 for update in self.updates):
            for flats, gradients in zip(self.weights.flats, self.weights.gradients, strict=True):
                for flat, gradient in zip(flats, gradients, strict=True):
                    gradient += self._column([update.l1 for update in self.updates], flat) * flat.sign()

    @torch.no_grad()
    def _average(self) -> None:
        if not self.updates[0].averaging:
            return
        if not self.averages:
            self.averages = [tensor.clone() for tensor in self.weights.averaged_tensors()]
        else:
            shares = [each.averaging.share(self.steps, each.total_steps) for each in self.updates if each.averaging]
            for average, tensor in zip(self.averages, self.weights.averaged_tensors(), strict=True):
                share = torch.tensor(shares, dtype=tensor.dtype, device=tensor.device)
                average.lerp_(tensor, share.view(-1, *[1] * (tensor.ndim - 1)))

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Within this context the networks have their averaged weights, if there are any."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        if self.averages:
            for tensor, average in zip(self.weights.averaged_tensors(), self.averages, strict=True):
                own = tensor.clone()
                tensor.copy_(average)
                average.copy_(own)

    def _limits(self, name: str, like: Tensor) -> Tensor:
        return self._column([getattr(update, name) or torch.inf for update in self.updates], like)

    def _column(self, values: Sequence[float], like: Tensor) -> Tensor:
        return torch.tensor(values, dtype=like.dtype, device=like.device).unsqueeze(1)

    @torch.no_grad()
    def _step(self) -> None:
        if self.weights.without_gradient and any(self.is_joint):
            self._part_rows()
        settings = [each.group_settings(self.steps) for each in self.updates]
        for own in self.row_optimizers:
            if not own.joint:
                own.set_groups(settings[own.rows.start])
        for flats, copies in zip(self.weights.flats, self.before, strict=False):  # no copies without joint steps
            torch._foreach_copy_(copies, flats)
        for own in self.row_optimizers:
            own.take_gradients()
        for optimizer in self.optimizers:
            optimizer.step()
        for index, copies in enumerate(self.before):  # a joint step was taken at learning rate 1
            rates = [own[index]["lr"] if joint else 1.0 for own, joint in zip(settings, self.is_joint, strict=True)]
            for flat, before in zip(self.weights.flats[index], copies, strict=True):
                torch.lerp(before, flat, self._column(rates, before), out=flat)
        for own in self.row_optimizers:
            if not own.is_of_torch:
                own.require_in_place()
        self.stepped = True
        self.rates = [float(own[0]["lr"]) for own in settings]

    def _part_rows(self) -> None:
        """Gives every trial an optimizer of its own: optimizers skip parameters without a gradient, and flat tensors
        hold them beside others. Raises CannotStack after the first step, when optimizers have a state."""
        if self.stepped:
            name = sorted(self.weights.without_gradient)[0]
            raise CannotStack(f"the loss depends on {name} in some steps only")
        self._build_optimizers(may_join=False)
        self._allocate_copies()

    def keep(self, rows: Sequence[int]) -> None:
        """Continues with the trials in these rows; call it after `weights.keep`."""
        self.updates = [self.updates[row] for row in rows]
        self.averages = [average[list(rows)] for average in self.averages]
        before, self.row_optimizers = self.row_optimizers, []
        first = 0
        for own in before:
            kept = [row for row in rows if row in own.rows]
            if kept:
                own.keep(kept, first)
                self.row_optimizers.append(own)
                first += len(kept)
            else:
                own.drop_state()
        self.optimizers = merge(self.row_optimizers)
        self._allocate_copies()
