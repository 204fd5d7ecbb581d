"""Orders of the training examples: balanced ones, and that they follow from seed and epoch alone."""

import pytest
import torch

from mlcli.config.errors import ConfigError
from mlcli.run.build import Parts, build
from mlcli.traits import TRAIN_SAMPLE
from tests.configs import run_config


def parts_of(*overrides: str) -> Parts:
    return build(run_config("device=cpu", "model=linear", *overrides))


def test_balanced_draws_each_class_equally_often() -> None:
    parts = parts_of("data=fraud", "data.examples=2000", "trainer.sampler=balanced")
    train = parts.data.splits["train"]
    loader = parts.task.loader
    order, again, later = (loader.order(epoch, torch.Generator()) for epoch in (0, 0, 1))
    assert len(order) == len(train) and torch.isin(order, train).all()
    assert parts.data.examples.targets[order].bincount().tolist() == [len(train) // 2] * 2
    assert order.equal(again) and not order.equal(later)
    assert len(order.unique()) > 400  # of the common class, most are different
    firsts = parts.data.examples.targets[order[: len(order) // 2]].float().mean().item()
    assert firsts == pytest.approx(0.5, abs=0.1)  # they come mixed


def test_without_a_sampler_each_example_comes_once() -> None:
    parts = parts_of("data=iris")
    order = parts.task.loader.order(3, torch.Generator())
    assert order.sort().values.equal(parts.data.splits["train"])


def test_numbers_have_no_classes_to_balance() -> None:
    with pytest.raises(ConfigError, match=r"trainer\.sampler=null"):
        parts_of("task=regression", "data=diabetes", "trainer.sampler=balanced")


def test_an_epoch_of_more_draws_than_examples_takes_some_twice() -> None:
    parts = parts_of("split.val=0", "split.folds=5")
    train = parts.data.splits["train"].tolist()
    assert (len(train), parts.data.epoch_size) == (1437, 1438)
    first, second = (parts.task.loader.order(epoch, torch.Generator()).tolist() for epoch in (0, 1))
    assert len(first) == 1438 and sorted(set(first)) == train
    (twice,) = {index for index in first if first.count(index) == 2}
    assert second.count(twice) == 1  # another one's turn


def test_the_training_sample_is_as_large_as_the_validation_split() -> None:
    loaders = [parts_of(f"trainer.seed={seed}").loader for seed in (0, 1)]
    first, second = (loader.indices[TRAIN_SAMPLE].tolist() for loader in loaders)
    assert first == second  # every seed
    assert len(first) == len(loaders[0].indices["val"]) == len(set(first))
    assert set(first) <= set(loaders[0].indices["train"].tolist())


@pytest.mark.parametrize("resident", ["true", "false"])
def test_skipped_batches_are_not_prepared(resident: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loader = build(run_config("data=digits", "model=mlp", f"device.resident={resident}")).loader
    assert loader is not None
    whole = [inputs for inputs, _ in loader.batches(3)]
    prepared: list[int] = []
    prepare = loader.prepare
    monkeypatch.setattr(loader, "prepare", lambda inputs: prepared.append(len(inputs)) or prepare(inputs))
    rest = [inputs for inputs, _ in loader.batches(3, len(whole) - 2)]
    assert len(rest) == 2 and all(map(torch.equal, rest, whole[-2:]))
    assert len(prepared) <= 2
