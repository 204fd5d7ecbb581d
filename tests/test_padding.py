"""Lengths of padded sequences."""

import torch

from mlcli.padding import broken, steps_of

GAP = torch.nan


def test_the_length_is_that_up_to_the_last_step_that_is_not_padding() -> None:
    numbers = torch.ones(4, 3, 2)
    numbers[0, 2:] = GAP
    numbers[1, 0, 0] = GAP  # only the first feature: no padding
    numbers[2, 1] = GAP  # inside the sequence: no padding
    numbers[3] = GAP
    assert steps_of(numbers).tolist() == [[True, True, False], [True] * 3, [True] * 3, [False] * 3]
    assert broken(numbers).tolist() == [False, True, True, True]
    tokens = torch.tensor([[5, 1, 0], [5, 1, 2], [5, 0, 2], [0, 0, 0]])
    assert steps_of(tokens).tolist() == [[True, True, False], [True] * 3, [True] * 3, [False] * 3]
    assert broken(tokens).tolist() == [False, False, True, True]


def test_many_trials_at_once() -> None:
    tokens = torch.tensor([[[5, 1, 0], [5, 1, 2]], [[5, 0, 0], [5, 1, 0]]])
    each = torch.stack([steps_of(own) for own in tokens])
    assert torch.equal(torch.vmap(steps_of)(tokens), each)
