"""Memory problems: answers can be read off the inputs by whoever remembers."""

import pytest
import torch

from mlcli.data.adding import adding
from mlcli.data.copy_memory import copy_memory
from mlcli.data.recall import recall


def test_adding_sums_what_is_marked() -> None:
    made = adding(examples=20_000, steps=31)
    numbers, marks = made.inputs.unbind(2)
    assert marks[:, :15].sum(1).eq(1).all() and marks[:, 15:].sum(1).eq(1).all()
    torch.testing.assert_close(made.targets, numbers[marks == 1].view(-1, 2).sum(1))
    assert made.targets.mean().item() == pytest.approx(1, abs=0.01)
    assert made.targets.var().item() == pytest.approx(1 / 6, rel=0.03)


def test_copy_asks_for_the_word_at_the_end() -> None:
    made = copy_memory(examples=50, delay=7, length=3, symbols=5)
    assert made.inputs.shape == made.targets.shape == (50, 3 + 7 + 3)
    read = [made.vocabulary[token] for token in made.inputs[0].tolist()]
    asked = [made.classes[target] for target in made.targets[0].tolist() if target >= 0]
    assert asked == read[:3] and read[3:] == ["-"] * 6 + ["?"] + ["-"] * 3
    assert made.targets[:, :-3].eq(-1).all() and made.targets[:, -3:].ge(0).all()
    assert made.inputs.min() > 0


@pytest.mark.parametrize("delay", [0, 1, 6])
def test_recall_asks_for_a_letter_so_many_steps_ago(delay: int) -> None:
    made = recall(examples=2000, delay=delay)
    assert made.inputs.shape == (2000, 2 * delay + 2)
    assert made.targets.equal(made.inputs[:, -1 - delay] - 1)
    assert made.targets.bincount().min() > 400


@pytest.mark.parametrize("make", [adding, copy_memory, recall])
def test_the_seed_decides(make) -> None:
    one, same, other = make(examples=20), make(examples=20), make(examples=20, seed=1)
    assert one.inputs.equal(same.inputs) and one.targets.equal(same.targets) and not one.inputs.equal(other.inputs)
