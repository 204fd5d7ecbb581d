"""Episodes: small classification problems, each of a few classes and a few examples of them (Vinyals et al. 2016,
arXiv 1606.04080). Some examples come with their class, the support; for the others, the queries, it is asked.

Shapes: N examples of a split, B of a batch, M episodes, W ways, E examples of a class, K trials.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from mlcli.loading.loader import EVALUATION_BATCH, Loader
from mlcli.loading.stacked_loader import StackedLoader, take

JUDGE_SEED = 0  # all trials are judged by the same episodes, whichever seed they train with


@dataclass(frozen=True)
class EpisodeSize:
    """Of an episode: how many classes, and of each how many examples are given and how many are asked for."""

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
    """`count` × W × E positions among the N class indices `targets`, of which the first `shots` of E are the support.

    Every class that is there is as likely as any other; none comes twice in an episode, and no example does.
    """
    counts = torch.unique(targets, return_counts=True)[1]
    classes = torch.split(targets.argsort(stable=True), counts.tolist())
    drawn = [
        classes[label][torch.randperm(len(classes[label]), generator=generator)[: size.of_class]]
        for _ in range(count)
        for label in torch.randperm(len(classes), generator=generator)[: size.ways].tolist()
    ]
    return torch.stack(drawn).view(count, size.ways, size.of_class)


class EpisodeLoader(Loader):
    """A loader whose batches are episodes of the training split, class after class and the support of each first, and
    that has episodes of every split to judge by.

    loader: the examples as they are prepared. size: of the `count` episodes of an epoch; judged: of the `judgements`
    episodes that judge a split. Raises ValueError with what to type where splits share classes, a split has too few
    of them, or a class has too few examples.
    """

    def __init__(
        self, loader: Loader, size: EpisodeSize, count: int, evaluation_size: EpisodeSize, evaluation_episodes: int
    ) -> None:
        vars(self).update(vars(loader))
        if self.sampler is not None:
            raise ValueError("trainer.sampler: episodes have every class equally often; use trainer.sampler=null.")
        self.size, self.count, self.evaluation_size, self.evaluation_episodes = (
            size,
            count,
            evaluation_size,
            evaluation_episodes,
        )
        self.batch_size = size.examples
        self.drawn: dict[tuple[str, EpisodeSize], Tensor] = {}
        labels = {name: self.labels(self.indices[name]) for name in ("train", "val", "test")}
        for name in ("val", "test"):
            if torch.isin(labels[name], labels["train"]).any():
                raise ValueError(f"The {name} split has classes of the train split: use split.by=class.")
        for name, own in labels.items():
            if len(own):  # there are none where a run is loaded to predict
                self._check(name, own)

    def order(self, epoch: int, generator: torch.Generator) -> Tensor:
        """Indices of the epoch's episodes, one after another: a function of seed and epoch alone."""
        super().order(epoch, generator)  # seeds it
        train = self.indices["train"]
        episodes = sample_episodes(self.labels(train), self.size, self.count, generator)
        return train[episodes.flatten().to(train.device)]

    def split(self, name: str) -> Iterator[tuple[Tensor, Tensor]]:
        """All examples of a split, and with each batch of them a share of the episodes that judge it: M × W × E
        positions among the examples of all batches."""
        groups = torch.split(self.ordered(name), max(EVALUATION_BATCH, self.batch_size))
        shares = torch.tensor_split(self.episodes(name), len(groups))
        for (inputs, _), share in zip(self._at(groups), shares, strict=True):
            yield inputs, share

    def ordered(self, name: str) -> Tensor:
        """Indices of a split as `split` has them. Those of train begin with an episode of the size that is trained
        on: whoever looks at a first batch sees one."""
        indices = self.indices[name]
        if name != "train":
            return indices
        first = sample_episodes(
            self.labels(indices), self.size, 1, torch.Generator().manual_seed(JUDGE_SEED)
        ).flatten()
        rest = torch.ones(len(indices), dtype=torch.bool)
        rest[first] = False
        return indices[torch.cat([first, rest.nonzero().squeeze(1)]).to(indices.device)]

    def episodes(self, name: str, size: EpisodeSize | None = None) -> Tensor:
        """M × W × E positions among the examples of `ordered(name)`, by default of the size that judges; always the
        same, and drawn once."""
        size = size or self.evaluation_size
        if (name, size) not in self.drawn:
            generator = torch.Generator().manual_seed(JUDGE_SEED)
            drawn = sample_episodes(self.labels(self.ordered(name)), size, self.evaluation_episodes, generator)
            self.drawn[name, size] = drawn.to(self.device)
        return self.drawn[name, size]

    def limits(self, name: str) -> tuple[int, int]:
        """How many classes a split has, and how many examples the smallest of them."""
        counts = torch.unique(self.labels(self.indices[name]), return_counts=True)[1]
        return len(counts), int(counts.min())

    def labels(self, indices: Tensor) -> Tensor:
        """The classes of these examples, on the CPU, where episodes are drawn."""
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
    """The episodes of K trials as one."""

    loaders: list[EpisodeLoader]  # type: ignore[assignment]  # which are loaders

    def split(self, name: str, rows: slice) -> Iterator[tuple[Tensor, Tensor]]:
        """`EpisodeLoader.split` of the trials in `rows`: K × B examples and K × M × W × E positions at a time."""
        loaders = self.loaders[rows]
        indices_KN = torch.stack([loader.ordered(name) for loader in loaders])
        groups = torch.split(indices_KN, max(EVALUATION_BATCH, self.batch_size), 1)
        shares = torch.tensor_split(torch.stack([loader.episodes(name) for loader in loaders]), len(groups), 1)
        for indices_KB, share in zip(groups, shares, strict=True):
            yield take(loaders, indices_KB)[0], share
