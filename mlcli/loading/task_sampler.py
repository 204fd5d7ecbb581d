"""Tasks to be learnt from a few examples: groups of examples, or a few classes of many.

Shapes: M tasks, S examples to adapt to (the support), Q to be judged by (the queries), P = S + Q of a task, W ways.
"""

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from mlcli.loading.dataset import DataSet

ABSENT = -1
FIXED = 0  # seed of the tasks that judge


class Members:
    """The examples of a split by what they belong to. labels: of all examples; index: those of the split."""

    def __init__(self, index: Tensor, labels: Tensor) -> None:
        own, order = labels[index].sort(stable=True)
        self.names, counts = torch.unique_consecutive(own, return_counts=True)
        self.smallest = int(counts.min())
        parts = torch.split(index[order], counts.tolist())
        self.table = pad_sequence(list(parts), batch_first=True, padding_value=ABSENT)

    def __len__(self) -> int:
        return len(self.names)

    def draw(self, rows: Tensor, size: int, generator: torch.Generator) -> Tensor:
        """Of each of these rows `size` examples in random order, rows × size indices."""
        own = self.table[rows]
        chance = torch.rand(own.shape, generator=generator).masked_fill_(own == ABSENT, torch.inf)
        return own.gather(1, chance.argsort(1)[:, :size])


class GroupTasks:
    """Each group of a split is a task."""

    def __init__(self, members: Members, shots: int, queries: int) -> None:
        self.members, self.support, self.size = members, shots, shots + queries

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """M × P indices of tasks drawn with replacement, and of each other examples every time."""
        tasks = torch.randint(len(self.members), (count,), generator=generator)
        return self.members.draw(tasks, self.size, generator)

    def fixed(self, most: int) -> Tensor:
        """The first tasks, at most so many, with as many examples as the smallest group has; always the same."""
        tasks = torch.arange(min(most, len(self.members)))
        return self.members.draw(tasks, self.members.smallest, torch.Generator().manual_seed(FIXED))


class ClassTasks:
    """Each task is to tell some classes of a split apart: an episode. `labels`, P, are its own class indices."""

    def __init__(self, members: Members, ways: int, shots: int, queries: int) -> None:
        self.members, self.ways, self.shots, self.size = members, ways, shots, shots + queries
        self.support = ways * shots
        way = torch.arange(ways)
        self.labels = torch.cat([way.repeat_interleave(shots), way.repeat_interleave(queries)])

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """M × P indices: the support class after class, then the queries. No class is in a task twice."""
        classes_MW = torch.rand(count, len(self.members), generator=generator).argsort(1)[:, : self.ways]
        own = self.members.draw(classes_MW.flatten(), self.size, generator).view(count, self.ways, self.size)
        return torch.cat([own[:, :, : self.shots].flatten(1), own[:, :, self.shots :].flatten(1)], 1)

    def fixed(self, count: int) -> Tensor:
        """So many tasks, always the same."""
        return self.draw(count, torch.Generator().manual_seed(FIXED))


def group_tasks(data: DataSet, shots: int, queries: int) -> dict[str, GroupTasks]:
    """By split. Raises ValueError for data without groups, groups in several splits, or too small ones."""
    if data.examples.groups is None:
        raise ValueError(f"data={data.name} has no groups that could be tasks: use data=sinusoids.")
    members = _members(data, data.examples.groups, "group", shots + queries)
    return {split: GroupTasks(own, shots, queries) for split, own in members.items()}


def class_tasks(data: DataSet, ways: int, shots: int, queries: int) -> dict[str, ClassTasks]:
    """By split. Raises ValueError for classes in several splits, too few of them, or too small ones."""
    members = _members(data, data.examples.targets, "class", shots + queries)
    for split, own in members.items():
        if len(own) < ways:
            raise ValueError(f"task.ways={ways}: the {split} split has {len(own)} classes; use at most that many.")
    return {split: ClassTasks(own, ways, shots, queries) for split, own in members.items()}


def _members(data: DataSet, labels: Tensor, what: str, least: int) -> dict[str, Members]:
    found = {split: Members(index, labels) for split, index in data.splits.items()}
    names = torch.cat([members.names for members in found.values()])
    if len(torch.unique(names)) < len(names):
        raise ValueError(f"A {what} of data={data.name} is in several splits: use split.by={what}.")
    smallest = min(members.smallest for members in found.values())
    if smallest < least:
        raise ValueError(
            f"data={data.name} has a {what} of {smallest} examples: task.shots and task.queries ask for {least}."
        )
    return found
