"""Splits: disjoint, complete, stratified, and the same for the same seed."""

import pytest
import torch

from mlcli.data.dataset import Examples
from mlcli.data.digits import digits
from mlcli.data.prepare import prepare
from mlcli.data.split import split


def made(counts: list[int], **more: object) -> Examples:
    targets = torch.cat([torch.full((count,), label) for label, count in enumerate(counts)])
    inputs = torch.arange(float(len(targets))).reshape(-1, 1)
    classes = tuple(map(str, range(len(counts))))
    return Examples("made", "vector", inputs, targets, classes, **more)  # type: ignore[arg-type]


def test_splits_are_disjoint_and_complete() -> None:
    splits = split(digits(), val=0.2, test=0.2, seed=0)
    together = torch.cat(list(splits.values()))
    assert sorted(together.tolist()) == list(range(1797))
    assert all(torch.equal(indices, indices.sort().values) for indices in splits.values())
    assert abs(len(splits["test"]) - 0.2 * 1797) <= 1


@pytest.mark.parametrize("seed", range(5))
def test_every_class_has_its_share(seed: int) -> None:
    examples = made([7, 130, 63, 20])
    for name, share in (("test", 0.2), ("val", 0.15), ("train", 0.65)):
        indices = split(examples, val=0.15, test=0.2, seed=seed)[name]
        found = examples.targets[indices].bincount(minlength=4)
        assert torch.all((found - share * torch.tensor([7, 130, 63, 20])).abs() <= 1)


def test_seeds() -> None:
    one, again, other = (split(digits(), val=0.2, test=0.2, seed=seed)["test"] for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_an_official_test_split_stays() -> None:
    official = torch.arange(150, 200)
    splits = split(made([100, 100], test=official), val=0.2, test=0.2, seed=3)
    assert torch.equal(splits["test"], official)
    assert len(splits["val"]) == 30
    assert not set(splits["train"].tolist()) & set(official.tolist())


def test_numbers_are_split_without_classes() -> None:
    examples = Examples("made", "vector", torch.zeros(50, 1), torch.zeros(50))
    sizes = {name: len(indices) for name, indices in split(examples, val=0.2, test=0.2, seed=0).items()}
    assert sizes == {"train": 30, "val": 10, "test": 10}


def test_nothing_left_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"split\.val=0.6"):
        split(made([10, 10]), val=0.6, test=0.5, seed=0)
    with pytest.raises(ValueError, match="val split would be empty"):
        split(made([2, 2]), val=0.05, test=0.5, seed=0)


@pytest.mark.parametrize(
    ("shares", "advice"),
    [
        ({"val": 0.2, "test": 0.001}, r"enlarge split\.test"),
        ({"val": 0.001, "test": 0.2}, r"enlarge split\.val"),
        ({"val": 0.5, "test": 0.499}, r"lower split\.val or split\.test"),
    ],
)
def test_an_empty_split_says_which_share_to_change(shares: dict[str, float], advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        split(made([50, 50]), seed=0, **shares)


def test_statistics_come_from_train_alone() -> None:
    data = prepare(digits(), val=0.2, test=0.2, seed=0)
    train = data.examples.inputs[data.splits["train"]]
    assert data.mean.shape == (1, 1, 1)
    assert data.mean.item() == pytest.approx(train.mean().item(), rel=1e-5)
    assert data.std.item() == pytest.approx(train.std(correction=0).item(), rel=1e-5)
    raw = prepare(digits(), val=0.2, test=0.2, seed=0, normalise=False)
    assert (raw.mean.item(), raw.std.item()) == (0.0, 1.0)


def test_a_column_that_never_varies_is_left_alone() -> None:
    examples = Examples("made", "vector", torch.ones(30, 2), torch.zeros(30))
    assert prepare(examples, val=0.2, test=0.2, seed=0).std.tolist() == [1.0, 1.0]


def test_digest_tells_data_apart() -> None:
    same, other = made([10, 10]), made([10, 11])
    described = [
        prepare(each, val=0.2, test=0.2, seed=0).describe()["digest"] for each in (same, made([10, 10]), other)
    ]
    assert described[0] == described[1] != described[2]


def test_length_and_digest_are_those_of_all_examples() -> None:
    one, other = (prepare(digits(), val=0.2, test=0.2, seed=seed) for seed in (0, 1))
    assert len(one) == 1797
    assert one.digest == other.digest == one.describe()["digest"]


@pytest.mark.parametrize("folds", [2, 5, 10])
def test_folds_divide_everything(folds: int) -> None:
    examples = digits()
    each = [split(examples, val=0.2, test=0.2, seed=0, folds=folds, fold=fold) for fold in range(folds)]
    assert sorted(torch.cat([splits["test"] for splits in each]).tolist()) == list(range(1797))
    for splits in each:
        assert sorted(torch.cat(list(splits.values())).tolist()) == list(range(1797))
        found = examples.targets[splits["test"]].bincount()
        assert torch.all((found - examples.targets.bincount() / folds).abs() < 1)
    assert len({len(splits["train"]) for splits in each}) == 1
    sizes = [len(splits["test"]) for splits in each]
    assert max(sizes) - min(sizes) <= 1


def test_folds_leave_an_official_test_split_alone() -> None:
    official = torch.arange(150, 200)
    splits = split(made([100, 100], test=official), val=0.2, test=0.2, seed=3, folds=3, fold=1)
    assert len(splits["test"]) == 50
    assert not set(torch.cat(list(splits.values())).tolist()) & set(official.tolist())


def test_a_fold_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"split\.fold=5.*at most 4"):
        split(made([10, 10]), val=0.2, test=0.2, seed=0, folds=5, fold=5)
    with pytest.raises(ValueError, match=r"split\.folds=30"):
        split(made([10, 10]), val=0.2, test=0.2, seed=0, folds=30)


def test_a_fold_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"split\.fold=2 .* split\.folds=5"):
        split(made([10, 10]), val=0.2, test=0.2, seed=0, fold=2)
