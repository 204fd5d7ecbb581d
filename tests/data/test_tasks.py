"""Groups as tasks: which examples are drawn, and that none is drawn twice."""

import torch

from mlcli.data.tasks import Tasks

GROUPS = torch.tensor([7, 2, 2, 7, 2, 9, 7, 9, 9, 9])


def tasks() -> Tasks:
    """Of groups 2 (3 examples), 7 (2) and 9 (4), without example 6."""
    return Tasks(torch.tensor([0, 1, 2, 3, 4, 5, 7, 8, 9]), GROUPS)


def test_draws_are_of_the_tasks_asked_for_and_without_repetition() -> None:
    index = tasks().draw(torch.tensor([2, 0, 2]), 3, torch.Generator().manual_seed(1))
    assert GROUPS[index].tolist() == [[9] * 3, [2] * 3, [9] * 3]
    assert all(len(set(row)) == 3 for row in index.tolist())


def test_each_example_is_drawn_equally_often() -> None:
    generator, own = torch.Generator().manual_seed(0), tasks()
    counts = torch.zeros(10)
    for index in own.meta_batches(500, 6, 2, generator):
        counts += index.flatten().bincount(minlength=10)
    assert counts[6] == 0
    for group, size in ((2, 3), (7, 2), (9, 4)):
        drawn = counts[group == GROUPS]
        assert torch.allclose(drawn[drawn > 0], torch.tensor(2000.0 / size), rtol=0.1)


def test_fixed_tasks_are_always_the_same_and_as_long_as_the_shortest() -> None:
    own = tasks()
    assert own.smallest == 2
    first = own.fixed(2)
    assert torch.equal(first, own.fixed(2)) and first.shape == (2, 2)
    assert GROUPS[first].tolist() == [[2, 2], [7, 7]]
    assert own.fixed(100).shape == (3, 2)
