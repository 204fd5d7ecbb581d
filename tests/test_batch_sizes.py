"""Batches of no single example that is left over."""

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
def test_a_remainder_of_one_joins_the_batch_before(count: int, size: int, sizes: list[int]) -> None:
    assert batch_sizes(count, size) == sizes
