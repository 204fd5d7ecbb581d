"""Groups of examples as tasks to be learnt from a few of their examples: shots to adapt to, queries to be judged by.

Shapes: T tasks of a split, P examples of the largest task, M tasks of a meta-batch.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from mlcli.data.dataset import DataSet

ABSENT = -1


class Tasks:
    """The groups of one split. index: the examples of the split; groups: of all examples, which they belong to."""

    def __init__(self, index: Tensor, groups: Tensor) -> None:
        own, order = groups[index].sort(stable=True)
        self.names, counts = torch.unique_consecutive(own, return_counts=True)
        self.smallest = int(counts.min())
        parts = torch.split(index[order], counts.tolist())
        self.table_TP = pad_sequence(list(parts), batch_first=True, padding_value=ABSENT)

    def __len__(self) -> int:
        return len(self.names)

    def draw(self, tasks_M: Tensor, size: int, generator: torch.Generator) -> Tensor:
        """M × size indices of examples, of each of these tasks other ones, in random order."""
        rows = self.table_TP[tasks_M]
        chance = torch.rand(rows.shape, generator=generator).masked_fill_(rows == ABSENT, torch.inf)
        return rows.gather(1, chance.argsort(1)[:, :size])

    def meta_batches(self, steps: int, count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
        """`count` × size indices for each of so many steps; tasks are drawn with replacement."""
        for tasks in torch.randint(len(self), (steps, count), generator=generator):
            yield self.draw(tasks, size, generator)

    def fixed(self, count: int) -> Tensor:
        """The first tasks, at most so many, × indices of as many examples as the smallest has; always the same."""
        return self.draw(torch.arange(min(count, len(self))), self.smallest, torch.Generator().manual_seed(0))


def tasks_of(data: DataSet, least: int) -> dict[str, Tasks]:
    """The tasks of each split. Raises ValueError for a task in several splits, or of fewer examples than `least`."""
    groups = data.examples.groups
    assert groups is not None
    found = {split: Tasks(index, groups) for split, index in data.splits.items()}
    names = torch.cat([tasks.names for tasks in found.values()])
    if len(torch.unique(names)) < len(names):
        raise ValueError(f"Groups of data={data.name} are in several splits: type split.by=group.")
    smallest = min(tasks.smallest for tasks in found.values())
    if smallest < least:
        raise ValueError(
            f"data={data.name} has a task of {smallest} examples: task.shots and task.queries ask for {least}."
        )
    return found
