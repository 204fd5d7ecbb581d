"""Every byte counts that the splits and the numbers of a run rest upon."""

from dataclasses import replace

import pytest
import torch

from mlcli.loading.dataset import Examples

MADE = Examples(
    "made",
    "vector",
    torch.arange(90_000.0).reshape(30_000, 3),
    torch.arange(30_000) % 2,
    ("a", "b"),
    test=torch.arange(100),
    groups=torch.arange(30_000) // 10,
)


def changed(tensor: torch.Tensor, at: int) -> torch.Tensor:
    other = tensor.clone()
    other.view(-1)[at] += 1
    return other


@pytest.mark.parametrize("at", [0, 1, 44_444, 89_999])
def test_every_number_counts(at: int) -> None:
    assert replace(MADE, inputs=changed(MADE.inputs, at)).digest != MADE.digest


@pytest.mark.parametrize(
    "change",
    [
        {"targets": changed(MADE.targets, 29_999)},
        {"groups": changed(MADE.groups, 3)},
        {"groups": None},
        {"test": torch.arange(1, 101)},
        {"test": None},
        {"classes": ("b", "a")},
        {"inputs": MADE.inputs.double()},
        {"inputs": MADE.inputs.reshape(30_000, 1, 3)},
        {"vocabulary": ("x",)},
    ],
)
def test_all_that_splits_depend_upon_counts(change: dict[str, object]) -> None:
    assert replace(MADE, **change).digest != MADE.digest  # type: ignore[arg-type]


def test_the_same_examples_have_the_same_digest_wherever_they_lie() -> None:
    strided = torch.stack([MADE.inputs, MADE.inputs], 2)[..., 1]
    assert replace(MADE, inputs=strided, name="other", source="elsewhere").digest == MADE.digest
