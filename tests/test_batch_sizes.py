"""Batch sizes without a last batch of a single example."""

import pytest

from mlcli.batch_sizes import batch_sizes


@pytest.mark.parametrize(
    ("count", "size", "sizes"),
    [
        (64, 32, [32, 32]),
        (66, 32, [32, 32, 2]),
        (65, 32, [32, 33]),
        (33, 32, [33]),
        (31, 32, [31]),
        (3, 1, [1, 1, 1]),
        (1, 32, [1]),
        (0, 32, []),
    ],
)
def test_a_remainder_of_one_joins_the_previous_batch(count: int, size: int, sizes: list[int]) -> None:
    assert batch_sizes(count, size) == sizes
