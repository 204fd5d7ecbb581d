"""Batch sizes without a last batch of a single example."""

import pytest

from mlcli.batch_sizes import batch_sizes, default_batch_size


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


@pytest.mark.parametrize(("examples", "size"), [(1, 16), (100, 16), (256, 32), (511, 32), (1_758, 128), (10**6, 256)])
def test_the_default_gives_eight_batches_in_an_epoch(examples: int, size: int) -> None:
    assert default_batch_size(examples) == size
