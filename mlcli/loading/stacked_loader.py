"""Batches for trials that train side by side: each trial's own examples, in its own order, in one tensor.

Shapes: K trials, B batch, N examples of a split.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from mlcli.batch_sizes import batch_sizes
from mlcli.cannot_stack import CannotStack
from mlcli.loading.loader import EVALUATION_BATCH, Loader
from mlcli.random_numbers import Fill


class StackedLoader:
    """The loaders of K trials as one. A trial meets the batches, and draws the numbers, that it would alone.

    Raises CannotStack with the reason where the data is not on the device, or training splits differ in size.
    """

    def __init__(self, loaders: Sequence[Loader]) -> None:
        if not all(loader.resident for loader in loaders):
            raise CannotStack("the data does not fit on the device")
        if len({loader.data.epoch_size for loader in loaders}) > 1:
            raise CannotStack("their training splits differ in size")
        self.loaders = list(loaders)
        self.batch_size = loaders[0].batch_size
        self.device = loaders[0].device
        self.streams = {loader.seed: torch.Generator() for loader in loaders}
        self.masks: dict[int, torch.Generator] = {}  # of this epoch, on a device that is not the CPU

    def batches(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs K × B × shape and targets K × B."""
        orders: dict[tuple[int, int], Tensor] = {}
        for loader in self.loaders:
            key = (loader.seed, id(loader.indices))
            if key not in orders:
                orders[key] = loader.order(epoch, self.streams[loader.seed])
        self.masks.clear()
        order_KN = torch.stack([orders[loader.seed, id(loader.indices)] for loader in self.loaders])
        for indices_KB in torch.split(order_KN, batch_sizes(order_KN.shape[1], self.batch_size), 1):
            yield take(self.loaders, indices_KB)

    def blocks(self, name: str, most: int) -> list[slice]:
        """Neighbouring trials, at most so many, whose examples of this split are of one number."""
        sizes = [len(loader.indices[name]) for loader in self.loaders]
        starts = [row for row, size in enumerate(sizes) if row == 0 or size != sizes[row - 1]]
        runs = zip(starts, [*starts[1:], len(sizes)], strict=True)
        return [slice(row, min(row + most, end)) for start, end in runs for row in range(start, end, most)]

    def split(self, name: str, rows: slice) -> Iterator[tuple[Tensor, Tensor]]:
        """All examples of one split for the trials in `rows`, in the order of its indices: K × B at a time."""
        loaders = self.loaders[rows]
        indices_KN = torch.stack([loader.indices[name] for loader in loaders])
        for indices_KB in torch.split(indices_KN, EVALUATION_BATCH, 1):
            yield take(loaders, indices_KB)

    def draw(self, fill: Fill, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """K × shape of random numbers. On the CPU they are what a trial alone would draw; a GPU's own dropout kernel
        draws in another order than can be had here."""
        drawn = {
            seed: fill(torch.empty(tuple(shape), dtype=dtype, device=self.device), self._generator(seed))
            for seed in self.streams
        }
        return torch.stack([drawn[loader.seed] for loader in self.loaders])

    def _generator(self, seed: int) -> torch.Generator:
        if self.device.type == "cpu":
            return self.streams[seed]
        if seed not in self.masks:
            self.masks[seed] = torch.Generator(self.device).manual_seed(self.streams[seed].initial_seed())
        return self.masks[seed]

    def keep(self, rows: Sequence[int]) -> None:
        """Goes on with the trials in these rows."""
        self.loaders = [self.loaders[row] for row in rows]
        seeds = {loader.seed for loader in self.loaders}
        self.streams = {seed: stream for seed, stream in self.streams.items() if seed in seeds}


def take(loaders: Sequence[Loader], indices_KB: Tensor) -> tuple[Tensor, Tensor]:
    """Inputs K × B × shape and targets K × B, from K × B indices."""
    first = loaders[0]
    if all(loader.inputs is first.inputs for loader in loaders):
        flat = indices_KB.reshape(-1)
        inputs = first.inputs.index_select(0, flat).view(*indices_KB.shape, *first.inputs.shape[1:])
        return inputs, first.targets.index_select(0, flat).view(*indices_KB.shape, *first.targets.shape[1:])
    pairs = zip(loaders, indices_KB, strict=True)
    taken = [(each.inputs.index_select(0, own), each.targets.index_select(0, own)) for each, own in pairs]
    return torch.stack([own for own, _ in taken]), torch.stack([own for _, own in taken])
