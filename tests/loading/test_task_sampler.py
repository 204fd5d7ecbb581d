"""Groups and classes as tasks: which examples are drawn, and that none is drawn twice."""

import torch

from mlcli.loading.task_sampler import ClassTasks, GroupTasks, IndicesByLabel

LABELS = torch.tensor([7, 2, 2, 7, 2, 9, 7, 9, 9, 9])


def members() -> IndicesByLabel:
    """Of label 2 three examples, of 7 two and of 9 four, without example 6."""
    return IndicesByLabel(torch.tensor([0, 1, 2, 3, 4, 5, 7, 8, 9]), LABELS)


def test_draws_are_of_the_rows_asked_for_and_without_repetition() -> None:
    index = members().sample(torch.tensor([2, 0, 2]), 3, torch.Generator().manual_seed(1))
    assert LABELS[index].tolist() == [[9] * 3, [2] * 3, [9] * 3]
    assert all(len(set(row)) == 3 for row in index.tolist())


def test_each_example_is_drawn_equally_often() -> None:
    generator = torch.Generator().manual_seed(0)
    index = GroupTasks(members(), 1, 1).sample(3000, generator)
    assert (LABELS[index[:, 0]] == LABELS[index[:, 1]]).all()
    counts = index.flatten().bincount(minlength=10)
    assert counts[6] == 0
    for group, size in ((2, 3), (7, 2), (9, 4)):
        drawn = counts[group == LABELS]
        assert torch.allclose(drawn[drawn > 0].float(), torch.tensor(2000.0 / size), rtol=0.1)


def test_fixed_groups_are_always_the_same_and_as_long_as_the_shortest() -> None:
    own = GroupTasks(members(), 1, 1)
    assert own.indices.smallest == 2
    first = own.evaluation_tasks(2)
    assert torch.equal(first, own.evaluation_tasks(2)) and first.shape == (2, 2)
    assert LABELS[first].tolist() == [[2, 2], [7, 7]]
    assert own.evaluation_tasks(100).shape == (3, 2)


def test_episodes_have_their_support_first_and_class_after_class() -> None:
    own = ClassTasks(IndicesByLabel(torch.arange(40), torch.arange(40) % 8), ways=3, shots=2, queries=1)
    assert own.support == 6 and own.labels.tolist() == [0, 0, 1, 1, 2, 2, 0, 1, 2]
    index = own.sample(200, torch.Generator().manual_seed(3))
    assert index.shape == (200, 9)
    for row in index:
        classes = (row % 8).tolist()
        names = classes[:6:2]
        assert len(set(names)) == 3 and len(set(row.tolist())) == 9
        assert classes == [names[label] for label in own.labels.tolist()]
    first = (index[:, 0] % 8).bincount(minlength=8)
    assert (first > 10).all()  # any class may come first
    assert torch.equal(own.evaluation_tasks(5), own.evaluation_tasks(5))
