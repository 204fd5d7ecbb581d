"""Batches for training and evaluation, by default from tensors on the device.

Indexing a tensor takes a few microseconds per batch, a DataLoader as much per example. So data that fits is kept on
the device, normalised and adapted once; a DataLoader is used only for data that does not fit.

Shapes: N examples of a split, B of a batch.
"""

import copy
from collections.abc import Callable, Iterator
from typing import Literal

import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from mlcli.batch_sizes import batch_sizes
from mlcli.loading.adapter import Adapter
from mlcli.loading.dataset import DataSet
from mlcli.loading.preprocessing import Preprocessing
from mlcli.random_numbers import seed_generators
from mlcli.traits import TRAIN_SAMPLE

EVALUATION_BATCH = 512
SINGLE_PRECISION = ("mps",)  # devices without float64
SAMPLE = 1000  # at most, of the training examples on which metrics are computed after each epoch
Sampler = Literal["balanced"] | None


class Loader:
    """The examples of a data set as (inputs, targets) batches, in the form that the model accepts.

    resident: whether the examples are kept on the device; None: if they fit into half of its free memory.
    extract: the frozen part of a model, applied to the examples once instead of in every epoch.
    sampler: None takes each example once per epoch; "balanced" samples as many with replacement, with equal numbers
    per class. Raises ValueError for the latter if examples do not have exactly one class.
    full_batch: one batch of all training examples, in the order of the split; batch_size is ignored.
    """

    def __init__(
        self,
        data: DataSet,
        adapter: Adapter,
        *,
        batch_size: int,
        seed: int,
        device: torch.device,
        resident: bool | None = None,
        extract: Callable[[Tensor], Tensor] | None = None,
        sampler: Sampler = None,
        full_batch: bool = False,
    ) -> None:
        if sampler == "balanced" and not (data.classes and data.examples.targets.ndim == 1):
            raise ValueError("trainer.sampler=balanced needs one class for each example: use trainer.sampler=null.")
        self.data = data
        self.adapter = adapter
        self.extract = extract
        self.batch_size = data.epoch_size if full_batch else batch_size
        self.full_batch = full_batch
        self.seed = seed
        self.device = device
        self.sampler = sampler
        self.preprocessing = preprocessing_on(data.preprocessing, device)
        self.resident = _fits(data, device) if resident is None else resident
        self.indices = data.splits | {TRAIN_SAMPLE: _sample(data)}
        self.weights = _weights(data)
        if self.resident:
            self.inputs = self.prepare(data.examples.inputs)
            self.targets = data.targets.to(device)
            self.weights = None if self.weights is None else self.weights.to(device)
            self.indices = {name: indices.to(device) for name, indices in self.indices.items()}

    def for_seed(self, seed: int) -> "Loader":
        """The same examples, shuffled by another seed."""
        other = copy.copy(self)
        other.seed = seed
        return other

    def prepare(self, inputs: Tensor) -> Tensor:
        """Raw inputs, B × shape → on the device, preprocessed, in the shape that the model accepts."""
        if inputs.dtype == torch.float64 and self.device.type in SINGLE_PRECISION:
            inputs = inputs.float()
        adapted = self.adapter(self.preprocessing(inputs.to(self.device))).contiguous()
        return adapted if self.extract is None else self.extract(adapted)

    def batches(self, epoch: int, start: int = 0) -> Iterator[tuple[Tensor, ...]]:
        """The training split in an order that depends on seed and epoch only, without the first `start` batches. A
        single leftover example joins the batch before it. If examples have weights, a batch has a third part: B
        weights, with a mean of 1 over the training split.

        Seeds the global generators of Python, NumPy and torch too, so that whatever else is sampled in the epoch
        (dropout) is reproducible.
        """
        seed_generators(_epoch_seed(self.seed, epoch), self.device)
        order = self.order(epoch, torch.default_generator)
        groups = torch.split(order, batch_sizes(len(order), self.batch_size))[start:]
        if self.weights is None:
            return self._at(groups)
        weights = (self.weights.index_select(0, own).to(self.device) for own in groups)
        return ((*batch, own) for batch, own in zip(self._at(groups), weights, strict=True))

    def order(self, epoch: int, generator: torch.Generator) -> Tensor:
        """Indices of the training examples in the order of this epoch. Seeds a CPU `generator` and samples
        from it: the order is the same on every device, and later samples too depend on seed and epoch."""
        generator.manual_seed(_epoch_seed(self.seed, epoch))
        train = self.indices["train"]
        count = self.data.epoch_size
        order = torch.randperm(count, generator=generator)
        if self.sampler == "balanced":
            order = _balanced(self.data.examples.targets[train.cpu()], count, generator)[order]
        elif count > len(train):  # the first ones of the order are repeated
            order = order[order < len(train)]
            order = torch.cat([order, order[: count - len(train)]])
        elif self.full_batch:
            return train
        return train[order.to(train.device)]

    def generator(self, epoch: int) -> torch.Generator:
        """A CPU generator for tasks that sample batches themselves; seeded by seed and epoch only."""
        return torch.Generator().manual_seed(_epoch_seed(self.seed, epoch))

    def at(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs and targets of these examples: the shape of `indices` × the shape of an example."""
        flat = indices.flatten()
        if self.resident:
            flat = flat.to(self.device)
            inputs, targets = self.inputs.index_select(0, flat), self.targets.index_select(0, flat)
        else:
            inputs = self.prepare(self.data.examples.inputs[flat])
            targets = self.data.targets[flat].to(self.device)
        shape = indices.shape
        return inputs.reshape(*shape, *inputs.shape[1:]), targets.reshape(*shape, *targets.shape[1:])

    def split(self, name: str) -> Iterator[tuple[Tensor, Tensor]]:
        """All examples of one split, in the order of its indices."""
        return self._at(torch.split(self.indices[name], EVALUATION_BATCH))

    def all_targets(self, name: str) -> Tensor:
        """The targets of one split, on the device."""
        return self.data.targets[self.data.splits[name]].to(self.device)

    def _at(self, groups: tuple[Tensor, ...]) -> Iterator[tuple[Tensor, Tensor]]:
        if self.resident:
            for indices in groups:
                yield self.inputs.index_select(0, indices), self.targets.index_select(0, indices)
            return
        examples = TensorDataset(self.data.examples.inputs, self.data.targets)
        pinned = self.device.type == "cuda"
        # A separate generator, because a DataLoader otherwise samples from the global one, as dropout does.
        own = torch.Generator()
        batches = DataLoader(examples, sampler=groups, batch_size=None, pin_memory=pinned, generator=own)
        for inputs, targets in batches:
            yield self.prepare(inputs), targets.to(self.device, non_blocking=pinned)


def _weights(data: DataSet) -> Tensor | None:
    """N weights with a mean of 1 over the training split; None if all are equal. Raises ValueError if all are 0."""
    weights = data.examples.weights
    if weights is None or not len(data.splits["train"]):
        return None
    mean = weights[data.splits["train"]].double().mean()
    if not mean > 0:
        raise ValueError(f"data={data.name}: the weights of all training examples are 0")
    return (weights / mean).float()


def preprocessing_on(fitted: Preprocessing, device: torch.device) -> Preprocessing:
    """A copy on the device, in single precision where it has no other."""
    own = copy.deepcopy(fitted).requires_grad_(False)
    return (own.float() if device.type in SINGLE_PRECISION else own).to(device)


def _sample(data: DataSet) -> Tensor:
    """Indices of some training examples, at most as many as the validation split has. Equal for all seeds."""
    train = data.splits["train"]
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))
    return train[order[: min(len(data.splits["val"]), SAMPLE)]]


def _balanced(targets: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """`count` positions among the N class indices; the numbers per class differ by at most one."""
    own = [(targets == label).nonzero().squeeze(1) for label in range(int(targets.max()) + 1)]
    own = [each for each in own if len(each)]
    shares = [(count + place) // len(own) for place in range(len(own))]
    picks = [torch.randint(len(each), (share,), generator=generator) for each, share in zip(own, shares, strict=True)]
    return torch.cat([each[at] for each, at in zip(own, picks, strict=True)])


def _epoch_seed(seed: int, epoch: int) -> int:
    """A generator seed for each (seed, epoch), far from that of other pairs."""
    return (seed * 1_000_003 + epoch * 7919 + 1) % (2**63)


def _fits(data: DataSet, device: torch.device) -> bool:
    """Whether the examples take at most half of the free memory of a GPU; host memory holds them already."""
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    needed = 4 * data.examples.inputs.numel() + 8 * data.examples.targets.numel()
    return needed <= free // 2
