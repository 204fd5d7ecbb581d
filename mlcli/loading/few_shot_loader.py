"""Batches for few-shot classification: episodes, small classification problems of a few classes with a few labelled
examples each (the support) and unlabelled ones to classify (the queries). Vinyals et al. 2016, arXiv 1606.04080.

Shapes: N examples of a split, B of a batch, M episodes, W ways, E examples of a class, K trials.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from mlcli.loading.loader import EVALUATION_BATCH, Loader
from mlcli.loading.stacked_loader import StackedLoader, gather

EVALUATION_SEED = 0  # the same evaluation episodes for all trials, whatever their training seed


@dataclass(frozen=True)
class EpisodeSize:
    """The size of an episode: number of classes (ways), and of support and query examples per class."""

    ways: int
    shots: int
    queries: int

    @property
    def of_class(self) -> int:
        return self.shots + self.queries

    @property
    def examples(self) -> int:
        return self.ways * self.of_class


def sample_episodes(targets: Tensor, size: EpisodeSize, count: int, generator: torch.Generator) -> Tensor:
    """Samples `count` × W × E positions among the N class indices `targets`; the first `shots` of E are the support.

    Classes and examples of an episode are sampled uniformly without replacement.
    """
    counts = torch.unique(targets, return_counts=True)[1]
    classes = torch.split(targets.argsort(stable=True), counts.tolist())
    sampled = [
        classes[label][torch.randperm(len(classes[label]), generator=generator)[: size.of_class]]
        for _ in range(count)
        for label in torch.randperm(len(classes), generator=generator)[: size.ways].tolist()
    ]
    return torch.stack(sampled).view(count, size.ways, size.of_class)


class EpisodeLoader(Loader):
    """A loader whose batches are episodes of the training split, class by class, each with its support first. Every
    split has fixed evaluation episodes.

    loader: the prepared examples. size: of the `count` episodes per epoch. evaluation_size: of the
    `evaluation_episodes` per split. Raises ValueError, with what to use instead, if splits share classes, a split has
    too few classes, or a class too few examples.
    """

    def __init__(
        self, loader: Loader, size: EpisodeSize, count: int, evaluation_size: EpisodeSize, evaluation_episodes: int
    ) -> None:
        vars(self).update(vars(loader))
        if self.sampler is not None:
            raise ValueError("trainer.sampler: episodes are balanced already; use trainer.sampler=null.")
        self.size, self.count, self.evaluation_size, self.evaluation_episodes = (
            size,
            count,
            evaluation_size,
            evaluation_episodes,
        )
        self.batch_size = size.examples
        self.cached_episodes: dict[tuple[str, EpisodeSize], Tensor] = {}
        labels = {name: self.labels(self.indices[name]) for name in ("train", "val", "test")}
        for name in ("val", "test"):
            if torch.isin(labels[name], labels["train"]).any():
                raise ValueError(f"The {name} split has classes of the train split: use split.by=class.")
        for name, own in labels.items():
            if len(own):  # a run loaded for prediction has no examples
                self._check(name, own)

    def order(self, epoch: int, generator: torch.Generator) -> Tensor:
        """Indices of the episodes of an epoch, one after another; a function of seed and epoch."""
        super().order(epoch, generator)  # seeds the generator
        train = self.indices["train"]
        episodes = sample_episodes(self.labels(train), self.size, self.count, generator)
        return train[episodes.flatten().to(train.device)]

    def split(self, name: str) -> Iterator[tuple[Tensor, Tensor]]:
        """All examples of a split in batches, each with a share of its evaluation episodes: M × W × E positions among
        the examples of all batches."""
        groups = torch.split(self.ordered(name), max(EVALUATION_BATCH, self.batch_size))
        shares = torch.tensor_split(self.episodes(name), len(groups))
        for (inputs, _), share in zip(self._at(groups), shares, strict=True):
            yield inputs, share

    def ordered(self, name: str) -> Tensor:
        """Indices of a split in the order of `split`. Those of train begin with a training episode, so that a first
        batch is one."""
        indices = self.indices[name]
        if name != "train":
            return indices
        first = sample_episodes(
            self.labels(indices), self.size, 1, torch.Generator().manual_seed(EVALUATION_SEED)
        ).flatten()
        rest = torch.ones(len(indices), dtype=torch.bool)
        rest[first] = False
        return indices[torch.cat([first, rest.nonzero().squeeze(1)]).to(indices.device)]

    def episodes(self, name: str, size: EpisodeSize | None = None) -> Tensor:
        """The evaluation episodes, M × W × E positions among the examples of `ordered(name)`; always the same."""
        size = size or self.evaluation_size
        if (name, size) not in self.cached_episodes:
            generator = torch.Generator().manual_seed(EVALUATION_SEED)
            sampled = sample_episodes(self.labels(self.ordered(name)), size, self.evaluation_episodes, generator)
            self.cached_episodes[name, size] = sampled.to(self.device)
        return self.cached_episodes[name, size]

    def limits(self, name: str) -> tuple[int, int]:
        """The number of classes of a split, and of examples in the smallest of them."""
        counts = torch.unique(self.labels(self.indices[name]), return_counts=True)[1]
        return len(counts), int(counts.min())

    def labels(self, indices: Tensor) -> Tensor:
        """The class indices of these examples, on the CPU, where episodes are sampled."""
        return self.data.examples.targets[indices.cpu()]

    def _check(self, name: str, labels: Tensor) -> None:
        size, test = (self.size, "") if name == "train" else (self.evaluation_size, "test_")
        classes, counts = torch.unique(labels, return_counts=True)
        where = f"the {name} split of {self.data.name}"
        if len(classes) < size.ways:
            advice = "lower split.val or split.test" if name == "train" else f"enlarge split.{name}"
            advice = f"use task.{test}ways={len(classes)}, or {advice}" if len(classes) > 1 else advice
            raise ValueError(f"task.{test}ways={size.ways}: {where} has {len(classes)} classes; {advice}.")
        fewest, rare = int(counts.min()), self.data.classes[int(classes[counts.argmin()])]
        if fewest < size.of_class:
            shots = min(size.shots, max(fewest - 1, 1))
            advice = f"use task.{test}shots={shots} task.queries={max(fewest - shots, 1)}, or other data"
            raise ValueError(
                f"task.{test}shots={size.shots} and task.queries={size.queries} take {size.of_class} examples of a "
                f"class, and {rare} has {fewest} in {where}; {advice}."
            )


class StackedEpisodeLoader(StackedLoader):
    """The episode loaders of K trials as one."""

    loaders: list[EpisodeLoader]  # type: ignore[assignment]

    def split(self, name: str, rows: slice) -> Iterator[tuple[Tensor, Tensor]]:
        """`EpisodeLoader.split` of the trials in `rows`: K × B examples and K × M × W × E positions at a time."""
        loaders = self.loaders[rows]
        indices_KN = torch.stack([loader.ordered(name) for loader in loaders])
        groups = torch.split(indices_KN, max(EVALUATION_BATCH, self.batch_size), 1)
        shares = torch.tensor_split(torch.stack([loader.episodes(name) for loader in loaders]), len(groups), 1)
        for indices_KB, share in zip(groups, shares, strict=True):
            yield gather(loaders, indices_KB)[0], share
