"""Samples tasks for meta-learning: groups of examples, or few-shot classification of a few classes.

Shapes: M tasks, P = S + Q examples of a task: S to adapt to (the support) and Q to evaluate on (the queries); W ways.
"""

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from mlcli.loading.dataset import DataSet

ABSENT = -1
EVALUATION_SEED = 0


class IndicesByLabel:
    """The examples of a split by label (group or class). labels: of all examples; index: of the split."""

    def __init__(self, index: Tensor, labels: Tensor) -> None:
        own, order = labels[index].sort(stable=True)
        self.names, counts = torch.unique_consecutive(own, return_counts=True)
        self.smallest = int(counts.min())
        parts = torch.split(index[order], counts.tolist())
        self.table = pad_sequence(list(parts), batch_first=True, padding_value=ABSENT)

    def __len__(self) -> int:
        return len(self.names)

    def sample(self, rows: Tensor, size: int, generator: torch.Generator) -> Tensor:
        """`size` indices of each of these labels, in random order, rows × size."""
        own = self.table[rows]
        key = torch.rand(own.shape, generator=generator).masked_fill_(own == ABSENT, torch.inf)
        return own.gather(1, key.argsort(1)[:, :size])


class GroupTasks:
    """Tasks that are the groups of a split."""

    def __init__(self, indices: IndicesByLabel, shots: int, queries: int) -> None:
        self.indices, self.support, self.size = indices, shots, shots + queries

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """M × P indices; tasks are sampled with replacement, the examples of a task without."""
        tasks = torch.randint(len(self.indices), (count,), generator=generator)
        return self.indices.sample(tasks, self.size, generator)

    def evaluation_tasks(self, most: int) -> Tensor:
        """The first tasks, at most `most`, each with as many examples as the smallest group; always the same."""
        tasks = torch.arange(min(most, len(self.indices)))
        return self.indices.sample(tasks, self.indices.smallest, torch.Generator().manual_seed(EVALUATION_SEED))


class ClassTasks:
    """Tasks that are episodes: classification of W classes of a split. labels: P class indices within a task."""

    def __init__(self, indices: IndicesByLabel, ways: int, shots: int, queries: int) -> None:
        self.indices, self.ways, self.shots, self.size = indices, ways, shots, shots + queries
        self.support = ways * shots
        way = torch.arange(ways)
        self.labels = torch.cat([way.repeat_interleave(shots), way.repeat_interleave(queries)])

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """M × P indices: the support, class by class, then the queries. A class is in a task at most once."""
        classes_MW = torch.rand(count, len(self.indices), generator=generator).argsort(1)[:, : self.ways]
        own = self.indices.sample(classes_MW.flatten(), self.size, generator).view(count, self.ways, self.size)
        return torch.cat([own[:, :, : self.shots].flatten(1), own[:, :, self.shots :].flatten(1)], 1)

    def evaluation_tasks(self, count: int) -> Tensor:
        """`count` tasks, always the same."""
        return self.sample(count, torch.Generator().manual_seed(EVALUATION_SEED))


def group_tasks(data: DataSet, shots: int, queries: int) -> dict[str, GroupTasks]:
    """By split. Raises ValueError for data without groups, groups in several splits, or too small ones."""
    if data.examples.groups is None:
        raise ValueError(f"data={data.name} has no groups that could be tasks: use data=sinusoids.")
    members = _members(data, data.examples.groups, "group", shots + queries)
    return {split: GroupTasks(own, shots, queries) for split, own in members.items()}


def class_tasks(data: DataSet, ways: int, shots: int, queries: int) -> dict[str, ClassTasks]:
    """Tasks by split. Raises ValueError for classes in several splits, too few classes, or too few examples."""
    members = _members(data, data.examples.targets, "class", shots + queries)
    for split, own in members.items():
        if len(own) < ways:
            raise ValueError(f"task.ways={ways}: the {split} split has {len(own)} classes; use at most that many.")
    return {split: ClassTasks(own, ways, shots, queries) for split, own in members.items()}


def _members(data: DataSet, labels: Tensor, what: str, least: int) -> dict[str, IndicesByLabel]:
    found = {split: IndicesByLabel(index, labels) for split, index in data.splits.items()}
    names = torch.cat([members.names for members in found.values()])
    if len(torch.unique(names)) < len(names):
        raise ValueError(f"A {what} of data={data.name} is in several splits: use split.by={what}.")
    smallest = min(members.smallest for members in found.values())
    if smallest < least:
        raise ValueError(
            f"data={data.name} has a {what} of {smallest} examples: task.shots and task.queries need {least}."
        )
    return found
