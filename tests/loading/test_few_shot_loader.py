"""Episodes: what is drawn, from which classes, and that it follows from the seed."""

import pytest
import torch

from mlcli.loading.adapter import adapt
from mlcli.loading.dataset import DataSet, Examples
from mlcli.loading.few_shot_loader import EpisodeLoader, EpisodeSize, StackedEpisodeLoader, sample_episodes
from mlcli.loading.loader import Loader
from mlcli.loading.make_dataset import make_dataset
from mlcli.loading.split import split


def made(classes: int = 20, each: int = 7, by: str = "class", **shares: float) -> DataSet:
    targets = torch.arange(classes).repeat(each)
    inputs = torch.randn(len(targets), 3, generator=torch.Generator().manual_seed(0)) + targets.unsqueeze(1)
    examples = Examples("made", "vector", inputs, targets, tuple(f"c{i}" for i in range(classes)))
    return make_dataset(examples, **{"val": 0.2, "test": 0.3} | shares, seed=0, by=by)


def loader_of(data: DataSet, seed: int = 0, sampler: str | None = None) -> Loader:
    device = torch.device("cpu")
    adapter = adapt("vector", (3,), ("vector",))
    return Loader(data, adapter, batch_size=8, seed=seed, device=device, sampler=sampler)  # type: ignore[arg-type]


TRAINED, JUDGED = EpisodeSize(5, 2, 3), EpisodeSize(3, 1, 3)


def episodes_of(
    data: DataSet, seed: int = 0, size: EpisodeSize = TRAINED, judged: EpisodeSize = JUDGED
) -> EpisodeLoader:
    return EpisodeLoader(loader_of(data, seed), size, 10, judged, 40)


def test_an_episode_has_each_class_and_each_example_once() -> None:
    targets = torch.arange(9).repeat_interleave(6)[torch.randperm(54)]
    drawn = sample_episodes(targets, EpisodeSize(4, 2, 3), 50, torch.Generator().manual_seed(1))
    assert drawn.shape == (50, 4, 5)
    for episode in drawn:
        labels = targets[episode]
        assert (labels == labels[:, :1]).all() and len(labels[:, 0].unique()) == 4
        assert len(episode.unique()) == 20


def test_all_classes_and_examples_are_equally_likely() -> None:
    targets = torch.tensor([0] * 4 + [2] * 8 + [5] * 4)  # a class's size does not count
    drawn = sample_episodes(targets, EpisodeSize(2, 1, 1), 6000, torch.Generator().manual_seed(0))
    shares = targets[drawn[:, :, 0]].flatten().bincount(minlength=6) / 12000
    assert shares.tolist() == pytest.approx([1 / 3, 0, 1 / 3, 0, 0, 1 / 3], abs=0.02)
    assert (drawn.flatten().bincount()[:4] / 24000).tolist() == pytest.approx([1 / 12] * 4, abs=0.01)


def test_batches_are_episodes_of_train_that_follow_from_seed_and_epoch() -> None:
    data = made()
    first, again, other = (list(episodes_of(data, seed).batches(3)) for seed in (0, 0, 1))
    train = data.examples.targets[data.splits["train"]].unique()
    assert len(first) == 10
    for inputs, targets in first:
        assert inputs.shape == (25, 3)
        labels = targets.view(5, 5)
        assert (labels == labels[:, :1]).all() and torch.isin(labels, train).all()
    assert all(torch.equal(one[0], two[0]) for one, two in zip(first, again, strict=True))
    assert not torch.equal(first[0][0], other[0][0])
    assert not torch.equal(first[0][0], next(iter(episodes_of(data).batches(4)))[0])


def test_a_split_is_judged_by_the_same_episodes_whatever_the_seed() -> None:
    data = made()
    one, other = episodes_of(data, 0), episodes_of(data, 1)
    for name in ("train", "val", "test"):
        inputs, shares = (torch.cat(parts) for parts in zip(*one.split(name), strict=True))
        assert shares.shape == (40, 3, 4) and torch.equal(shares, other.episodes(name))
        assert len(inputs) == len(data.splits[name])
        labels = data.examples.targets[one.ordered(name)][shares]
        assert (labels == labels[:, :, :1]).all()
    inputs, _ = next(iter(one.split("train")))
    first = data.examples.targets[one.ordered("train")][: one.batch_size].view(5, 5)
    assert (first == first[:, :1]).all()  # an episode as it is trained on
    assert sorted(one.ordered("train").tolist()) == data.splits["train"].tolist()


def test_stacked_as_alone() -> None:
    data = made()
    loaders = [episodes_of(data, seed) for seed in (0, 1)]
    together = list(StackedEpisodeLoader(loaders).batches(2))
    for row, loader in enumerate(loaders):
        alone = list(loader.batches(2))
        assert all(torch.equal(both[0][row], one[0]) for both, one in zip(together, alone, strict=True))
    stacked = list(StackedEpisodeLoader(loaders).split("val", slice(0, 2)))
    for (both, shares), (inputs, own) in zip(stacked, loaders[1].split("val"), strict=True):
        assert torch.equal(both[1], inputs) and torch.equal(shares[1], own)


@pytest.mark.parametrize("seed", range(3))
def test_split_by_class(seed: int) -> None:
    examples = made().examples
    splits = split(examples, val=0.2, test=0.3, seed=seed, by="class")
    classes = {name: set(examples.targets[indices].tolist()) for name, indices in splits.items()}
    assert {name: len(own) for name, own in classes.items()} == {"train": 10, "val": 4, "test": 6}
    assert set.union(*classes.values()) == set(range(20))
    assert all(torch.equal(indices, indices.sort().values) for indices in splits.values())
    folds = [split(examples, val=0.2, test=0.3, seed=seed, by="class", folds=4, fold=i)["test"] for i in range(4)]
    assert sorted(torch.cat(folds).tolist()) == list(range(140))


def test_split_by_class_needs_classes() -> None:
    examples = Examples("made", "vector", torch.zeros(9, 1), torch.arange(9.0))
    with pytest.raises(ValueError, match=r"split\.by=class"):
        split(examples, val=0.2, test=0.2, seed=0, by="class")


@pytest.mark.parametrize(
    ("size", "judged", "said"),
    [
        (
            EpisodeSize(11, 1, 1),
            EpisodeSize(2, 1, 1),
            r"task\.ways=11: the train split of made has 10 classes; use task\.ways=10",
        ),
        (
            EpisodeSize(2, 1, 1),
            EpisodeSize(5, 1, 1),
            r"task\.test_ways=5: the val split of made has 4 classes; .*test_ways=4",
        ),
        (
            EpisodeSize(2, 3, 5),
            EpisodeSize(2, 1, 5),
            r"task\.shots=3 and task\.queries=5 take 8 .* use task\.shots=3 .*queries=4",
        ),
        (EpisodeSize(2, 1, 5), EpisodeSize(2, 9, 5), r"task\.test_shots=9 .* use task\.test_shots=6 task\.queries=1"),
    ],
)
def test_what_does_not_fit(size: EpisodeSize, judged: EpisodeSize, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        episodes_of(made(), size=size, judged=judged)


def test_classes_of_two_splits_and_a_sampler() -> None:
    with pytest.raises(ValueError, match=r"use split\.by=class"):
        episodes_of(made(by="example"))
    with pytest.raises(ValueError, match=r"use trainer\.sampler=null"):
        EpisodeLoader(loader_of(made(), sampler="balanced"), EpisodeSize(2, 1, 1), 1, EpisodeSize(2, 1, 1), 2)
