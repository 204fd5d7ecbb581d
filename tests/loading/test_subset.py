import pytest
import torch

from mlcli.loading.dataset import Examples
from mlcli.loading.make_dataset import make_dataset
from mlcli.loading.subset import keep_classes, limit_per_class

LABELS = torch.tensor([0, 1, 2, 2, 1, 0, 2, 1, 2, 0])
EXAMPLES = Examples(
    name="letters",
    kind="vector",
    inputs=torch.arange(10.0).unsqueeze(1),
    targets=LABELS,
    classes=("a", "b", "c"),
    test=torch.tensor([0, 2, 3, 4]),
)
NUMBERS = Examples("numbers", "vector", torch.zeros(10, 1), torch.zeros(10))


def test_only_some_classes_numbered_as_they_are_given() -> None:
    found = keep_classes(EXAMPLES, ["c", "a"])
    assert found.classes == ("c", "a")
    assert found.inputs.squeeze(1).tolist() == [0, 2, 3, 5, 6, 8, 9]
    assert found.targets.tolist() == [1, 0, 0, 1, 0, 0, 1]
    assert found.test is not None and found.inputs[found.test].squeeze(1).tolist() == [0, 2, 3]


def test_few_of_each_class_and_more_hold_the_fewer() -> None:
    indices = torch.arange(10)
    picks = [limit_per_class(EXAMPLES, indices, count, seed=3) for count in (1, 2, 3)]
    for count, picked in enumerate(picks, 1):
        assert LABELS[picked].bincount().tolist() == [count] * 3
        assert picked.tolist() == sorted(picked.tolist())
    assert set(picks[0].tolist()) < set(picks[1].tolist()) < set(picks[2].tolist())
    assert any(limit_per_class(EXAMPLES, indices, 1, seed).tolist() != picks[0].tolist() for seed in range(5))


def test_val_and_test_stay_whole() -> None:
    torch.manual_seed(0)
    many = Examples("many", "vector", torch.randn(300, 2), torch.arange(300) % 3, ("a", "b", "c"))
    whole, part = (make_dataset(many, val=0.2, test=0.2, seed=1, per_class=each) for each in (None, 5))
    assert torch.equal(whole.splits["val"], part.splits["val"])
    assert torch.equal(whole.splits["test"], part.splits["test"])
    assert len(part.splits["train"]) == 15 and torch.isin(part.splits["train"], whole.splits["train"]).all()
    assert torch.equal(part.standardise.mean, many.inputs[part.splits["train"]].double().mean(0).float())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"classes": ["a", "x"]}, "letters has no class x. Choices: a, b, c."),
        ({"classes": ["a"]}, "must be two or more classes"),
        ({"per_class": 2}, "class a of letters has 1 examples to train on; use at most split.per_class=1."),
    ],
)
def test_what_is_not_there_says_so(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError) as error:
        make_dataset(EXAMPLES, val=0.4, test=0.2, seed=0, **settings)  # type: ignore[arg-type]
    assert words in str(error.value)


def test_numbers_have_no_classes() -> None:
    with pytest.raises(ValueError, match=r"split.per_class: an example of numbers does not have one class"):
        make_dataset(NUMBERS, val=0.2, test=0.2, seed=0, per_class=2)
