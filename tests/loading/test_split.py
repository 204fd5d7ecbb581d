"""Splits: disjoint, complete, stratified, and the same for the same seed."""

import pytest
import torch

from mlcli.data.digits import digits
from mlcli.loading.dataset import Examples
from mlcli.loading.make_dataset import make_dataset
from mlcli.loading.split import split


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
    data = make_dataset(digits(), val=0.2, test=0.2, seed=0)
    train = data.examples.inputs[data.splits["train"]]
    assert data.standardise.mean.shape == (1, 1, 1)
    assert data.standardise.mean.item() == pytest.approx(train.mean().item(), rel=1e-5)
    assert data.standardise.std.item() == pytest.approx(train.std(correction=0).item(), rel=1e-5)
    raw = make_dataset(digits(), val=0.2, test=0.2, seed=0, normalise=False)
    assert (raw.standardise.mean.item(), raw.standardise.std.item()) == (0.0, 1.0)


def test_a_column_that_never_varies_is_left_alone() -> None:
    examples = Examples("made", "vector", torch.ones(30, 2), torch.zeros(30))
    assert make_dataset(examples, val=0.2, test=0.2, seed=0).standardise.std.tolist() == [1.0, 1.0]


def test_digest_tells_data_apart() -> None:
    same, other = made([10, 10]), made([10, 11])
    described = [
        make_dataset(each, val=0.2, test=0.2, seed=0).describe()["digest"] for each in (same, made([10, 10]), other)
    ]
    assert described[0] == described[1] != described[2]


def test_length_and_digest_are_those_of_all_examples() -> None:
    one, other = (make_dataset(digits(), val=0.2, test=0.2, seed=seed) for seed in (0, 1))
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


OFFICIAL = {"val": torch.arange(120, 150), "test": torch.arange(150, 200)}


def test_an_official_validation_split_stays() -> None:
    splits = split(made([100, 100], val=OFFICIAL["val"]), val=0.2, test=0.2, seed=3)
    assert torch.equal(splits["val"], OFFICIAL["val"])
    assert [len(splits[name]) for name in ("train", "test")] == [136, 34]
    assert len(torch.cat(list(splits.values())).unique()) == 200
    both = split(made([100, 100], **OFFICIAL), val=0.2, test=0.2, seed=3)
    assert torch.equal(both["val"], OFFICIAL["val"]) and torch.equal(both["test"], OFFICIAL["test"])
    assert both["train"].tolist() == list(range(120))


def test_without_validation_an_official_one_is_left_out() -> None:
    splits = split(made([100, 100], **OFFICIAL), val=0, test=0.2, seed=3)
    assert [len(splits[name]) for name in ("train", "val", "test")] == [120, 0, 50]


@pytest.mark.parametrize("by", ["example", "group", "time"])
def test_folds_validate_on_an_official_validation_split(by: str) -> None:
    examples = made([100, 100], **OFFICIAL, groups=torch.arange(200) // 5)
    tested = []
    for fold in range(3):
        splits = split(examples, val=0.2, test=0.2, seed=3, by=by, folds=3, fold=fold)
        assert torch.equal(splits["val"], OFFICIAL["val"])
        assert max(*splits["train"].tolist(), *splits["test"].tolist()) < 120
        assert not set(splits["train"].tolist()) & set(splits["test"].tolist())
        assert len(split(examples, val=0, test=0.2, seed=3, by=by, folds=3, fold=fold)["val"]) == 0
        tested += splits["test"].tolist()
    assert sorted(tested) == list(range(30 if by == "time" else 0, 120))


def test_epochs_of_folds_with_an_official_validation_split_are_of_one_length() -> None:
    examples = made([50, 50], val=torch.arange(79, 100))
    folds = [make_dataset(examples, val=0.2, test=0.2, seed=0, folds=3, fold=fold) for fold in range(3)]
    assert {len(data.splits["train"]) for data in folds} == {52, 53}
    assert {data.epoch_size for data in folds} == {53}


def test_official_splits_do_not_overlap() -> None:
    with pytest.raises(ValueError, match="example 5 is in the official validation split and in the test split"):
        split(made([10, 10], val=torch.tensor([3, 5]), test=torch.tensor([5])), val=0.2, test=0.2, seed=0)


def test_classes_are_divided_whatever_the_official_splits() -> None:
    splits = split(
        made([10] * 5, val=torch.arange(5), test=torch.arange(5, 9)), val=0.2, test=0.2, seed=0, by="class"
    )
    assert [len(splits[name]) for name in ("train", "val", "test")] == [30, 10, 10]


def test_official_splits_of_some_classes() -> None:
    data = make_dataset(made([100, 100], **OFFICIAL), val=0.2, test=0.2, seed=0, classes=["1", "0"])
    assert torch.equal(data.splits["val"], OFFICIAL["val"])


def test_official_splits_and_weights_change_the_digest() -> None:
    found = [made([9, 9]), made([9, 9], val=torch.arange(3)), made([9, 9], weights=torch.ones(18))]
    assert len({each.digest for each in found}) == 3


def test_a_fold_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"split\.fold=5.*at most 4"):
        split(made([10, 10]), val=0.2, test=0.2, seed=0, folds=5, fold=5)
    with pytest.raises(ValueError, match=r"split\.folds=30"):
        split(made([10, 10]), val=0.2, test=0.2, seed=0, folds=30)


def test_a_fold_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"split\.fold=2 .* split\.folds=5"):
        split(made([10, 10]), val=0.2, test=0.2, seed=0, fold=2)


def test_without_validation_all_but_the_fold_is_trained_on() -> None:
    for fold in range(10):
        splits = split(digits(), val=0, test=0.2, seed=0, folds=10, fold=fold)
        assert len(splits["val"]) == 0
        assert sorted([*splits["train"].tolist(), *splits["test"].tolist()]) == list(range(1797))
    plain = split(digits(), val=0, test=0.2, seed=0)
    assert len(plain["val"]) == 0 and len(plain["train"]) == 1797 - 360 + 1


def test_epochs_of_folds_are_of_one_length() -> None:
    """Of 1797 examples each fold leaves 1437 or 1438 to train on."""
    made_of = [make_dataset(digits(), val=0, test=0.2, seed=0, folds=5, fold=fold) for fold in range(5)]
    assert {len(data.splits["train"]) for data in made_of} == {1437, 1438}
    assert {data.epoch_size for data in made_of} == {1438}
    with_val = [make_dataset(digits(), val=0.2, test=0.2, seed=0, folds=5, fold=fold) for fold in range(5)]
    assert {data.epoch_size for data in with_val} == {len(with_val[0].splits["train"])}


def grouped(sizes: list[int]) -> Examples:
    groups = torch.cat([torch.full((size,), label) for label, size in enumerate(sizes)])
    shuffled = groups[torch.randperm(len(groups), generator=torch.Generator().manual_seed(1))]
    return Examples("made", "vector", torch.zeros(len(groups), 1), torch.zeros(len(groups)), groups=shuffled)


@pytest.mark.parametrize("folds", [None, 4])
def test_groups_stand_on_one_side(folds: int | None) -> None:
    examples = grouped([3, 9, 4, 12, 5, 5, 8, 2, 30, 7, 6, 1])
    assert examples.groups is not None
    for fold in range(folds or 1):
        splits = split(examples, val=0.2, test=0.25, seed=0, by="group", folds=folds, fold=fold)
        assert sorted(torch.cat(list(splits.values())).tolist()) == list(range(92))
        own = [set(examples.groups[indices].tolist()) for indices in splits.values()]
        assert all(own) and sum(map(len, own)) == 12


def test_grouped_folds_are_as_large_as_those_of_scikit_learn() -> None:
    from sklearn.model_selection import GroupKFold

    examples = grouped([3, 9, 4, 12, 5, 5, 8, 2, 30, 7, 6, 1])
    folds = [split(examples, val=0, test=0.2, seed=3, by="group", folds=4, fold=fold)["test"] for fold in range(4)]
    theirs = GroupKFold(4).split(examples.inputs, groups=examples.groups)
    assert sorted(map(len, folds)) == sorted(len(test) for _, test in theirs)
    assert sorted(torch.cat(folds).tolist()) == list(range(92))


def test_what_is_divided_must_be_there() -> None:
    with pytest.raises(ValueError, match=r"no groups; use split\.by=class"):
        split(digits(), val=0.2, test=0.2, seed=0, by="group")
    with pytest.raises(ValueError, match="there are 3 groups"):
        split(grouped([5, 5, 5]), val=0.2, test=0.2, seed=0, by="group", folds=4)
    with pytest.raises(ValueError, match="no class for each example"):
        split(grouped([5, 5, 5]), val=0.2, test=0.2, seed=0, by="class")


@pytest.mark.parametrize(("count", "folds"), [(100, 5), (103, 4), (13, 3)])
def test_time_goes_forward_as_in_scikit_learn(count: int, folds: int) -> None:
    from sklearn.model_selection import TimeSeriesSplit

    examples = Examples("made", "vector", torch.zeros(count, 1), torch.zeros(count))
    for fold, (train, test) in enumerate(TimeSeriesSplit(folds).split(examples.inputs)):
        splits = split(examples, val=0, test=0.2, seed=0, by="time", folds=folds, fold=fold)
        assert splits["train"].tolist() == train.tolist() and splits["test"].tolist() == test.tolist()
        with_val = split(examples, val=0.3, test=0.2, seed=0, by="time", folds=folds, fold=fold)
        assert [*with_val["train"], *with_val["val"]] == train.tolist()


def test_time_without_folds_is_train_then_val_then_test() -> None:
    examples = Examples("made", "vector", torch.zeros(50, 1), torch.zeros(50))
    splits = split(examples, val=0.2, test=0.3, seed=0, by="time")
    assert [indices.tolist() for indices in splits.values()] == [[*range(25)], [*range(25, 35)], [*range(35, 50)]]
    official = Examples("made", "vector", torch.zeros(50, 1), torch.zeros(50), test=torch.arange(10))
    kept = split(official, val=0.25, test=0.3, seed=0, by="time")
    assert kept["test"].tolist() == [*range(10)] and kept["val"].tolist() == [*range(40, 50)]


def test_classes_are_divided() -> None:
    splits = split(digits(), val=0.2, test=0.3, seed=0, by="class")
    assert sorted(torch.cat(list(splits.values())).tolist()) == list(range(1797))
    assert [len(digits().targets[indices].unique()) for indices in splits.values()] == [5, 2, 3]


@pytest.mark.parametrize("seed", [0, 3])
@pytest.mark.parametrize("folds", [3, 10])
def test_folds_are_those_of_scikit_learn(folds: int, seed: int) -> None:
    from sklearn.model_selection import KFold, StratifiedKFold

    numbers = Examples("made", "vector", torch.zeros(53, 1), torch.zeros(53))
    for examples, theirs in (
        (digits(), StratifiedKFold(folds, shuffle=True, random_state=seed)),
        (made([40, 11, 27]), StratifiedKFold(folds, shuffle=True, random_state=seed)),
        (numbers, KFold(folds, shuffle=True, random_state=seed)),
    ):
        for fold, (train, test) in enumerate(theirs.split(examples.inputs, examples.targets)):
            splits = split(examples, val=0, test=0.2, seed=seed, folds=folds, fold=fold)
            assert splits["test"].tolist() == test.tolist() and splits["train"].tolist() == train.tolist()
