"""Batches for the trials of a stack: the examples of each trial, in its own order, in one tensor.

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
    """The loaders of K trials as one. Each trial gets the batches and random numbers that it would get alone.

    Raises CannotStack with the reason if the data is not on the device, or training splits differ in size.
    """

    def __init__(self, loaders: Sequence[Loader]) -> None:
        if not all(loader.resident for loader in loaders):
            raise CannotStack("the data does not fit on the device")
        if len({loader.data.epoch_size for loader in loaders}) > 1:
            raise CannotStack("their training splits differ in size")
        self.loaders = list(loaders)
        self.batch_size = loaders[0].batch_size
        self.device = loaders[0].device
        self.generators = {loader.seed: torch.Generator() for loader in loaders}  # of the CPU
        self.device_generators: dict[int, torch.Generator] = {}  # of this epoch, if the device is not the CPU

    def batches(self, epoch: int, start: int = 0) -> Iterator[tuple[Tensor, ...]]:
        """Inputs K × B × shape and targets K × B; weights K × B if examples have them. Without the first `start`."""
        orders: dict[tuple[int, int], Tensor] = {}
        for loader in self.loaders:
            key = (loader.seed, id(loader.indices))
            if key not in orders:
                orders[key] = loader.order(epoch, self.generators[loader.seed])
        self.device_generators.clear()
        order_KN = torch.stack([orders[loader.seed, id(loader.indices)] for loader in self.loaders])
        for indices_KB in torch.split(order_KN, batch_sizes(order_KN.shape[1], self.batch_size), 1)[start:]:
            batch = gather(self.loaders, indices_KB)
            yield (*batch, gather_weights(self.loaders, indices_KB)) if self.loaders[0].weights is not None else batch

    def blocks(self, name: str, most: int) -> list[slice]:
        """Slices of at most `most` neighbouring trials with equally many examples in this split."""
        sizes = [len(loader.indices[name]) for loader in self.loaders]
        starts = [row for row, size in enumerate(sizes) if row == 0 or size != sizes[row - 1]]
        runs = zip(starts, [*starts[1:], len(sizes)], strict=True)
        return [slice(row, min(row + most, end)) for start, end in runs for row in range(start, end, most)]

    def split(self, name: str, rows: slice) -> Iterator[tuple[Tensor, Tensor]]:
        """All examples of a split for the trials in `rows`, in the order of its indices, K × B at a time."""
        loaders = self.loaders[rows]
        indices_KN = torch.stack([loader.indices[name] for loader in loaders])
        for indices_KB in torch.split(indices_KN, EVALUATION_BATCH, 1):
            yield gather(loaders, indices_KB)

    def sample(self, fill: Fill, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Random numbers K × shape. On the CPU they equal those of a trial alone; a GPU's dropout kernel samples in
        an order that cannot be reproduced here."""
        sampled = {
            seed: fill(torch.empty(tuple(shape), dtype=dtype, device=self.device), self._generator(seed))
            for seed in self.generators
        }
        return torch.stack([sampled[loader.seed] for loader in self.loaders])

    def _generator(self, seed: int) -> torch.Generator:
        if self.device.type == "cpu":
            return self.generators[seed]
        if seed not in self.device_generators:
            self.device_generators[seed] = torch.Generator(self.device).manual_seed(
                self.generators[seed].initial_seed()
            )
        return self.device_generators[seed]

    def keep(self, rows: Sequence[int]) -> None:
        """Continues with the trials in these rows."""
        self.loaders = [self.loaders[row] for row in rows]
        seeds = {loader.seed for loader in self.loaders}
        self.generators = {seed: own for seed, own in self.generators.items() if seed in seeds}


def gather(loaders: Sequence[Loader], indices_KB: Tensor) -> tuple[Tensor, Tensor]:
    """Inputs K × B × shape and targets K × B, from K × B indices."""
    first = loaders[0]
    if all(loader.inputs is first.inputs for loader in loaders):
        flat = indices_KB.reshape(-1)
        inputs = first.inputs.index_select(0, flat).view(*indices_KB.shape, *first.inputs.shape[1:])
        return inputs, first.targets.index_select(0, flat).view(*indices_KB.shape, *first.targets.shape[1:])
    pairs = zip(loaders, indices_KB, strict=True)
    taken = [(each.inputs.index_select(0, own), each.targets.index_select(0, own)) for each, own in pairs]
    return torch.stack([own for own, _ in taken]), torch.stack([own for _, own in taken])


def gather_weights(loaders: Sequence[Loader], indices_KB: Tensor) -> Tensor:
    """Weights K × B, from K × B indices."""
    return torch.stack([_weights(loader)[own] for loader, own in zip(loaders, indices_KB, strict=True)])


def _weights(loader: Loader) -> Tensor:
    assert loader.weights is not None
    return loader.weights
