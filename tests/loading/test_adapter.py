"""From the kind of data to the kind that a model takes."""

import pytest
import torch

from mlcli.loading.adapter import adapt


def test_identity_is_preferred() -> None:
    assert adapt("image", (1, 8, 8), ("vector", "image")).name == "identity"


def test_an_image_as_vector_and_as_rows() -> None:
    images = torch.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    vector = adapt("image", (3, 4, 5), ("vector",))
    assert vector.shape == (60,)
    assert torch.equal(vector(images), images.flatten(1))
    rows = adapt("image", (3, 4, 5), ("sequence",))
    assert rows.shape == (4, 15)
    assert torch.equal(rows(images)[1, 2, 5:10], images[1, 1, 2])  # row 2, second channel


def test_a_vector_as_steps() -> None:
    steps = adapt("vector", (6,), ("sequence",))
    assert steps(torch.zeros(4, 6)).shape == (4, *steps.shape) == (4, 6, 1)


def test_what_cannot_fit() -> None:
    with pytest.raises(ValueError, match="image cannot take data of kind vector"):
        adapt("vector", (6,), ("image",))


def test_padding_of_a_flattened_sequence_is_zero() -> None:
    flatten = adapt("sequence", (2, 2), ("vector",))
    padded = torch.tensor([[[1.0, 2.0], [torch.nan, torch.nan]]])
    assert flatten(padded).tolist() == [[1, 2, 0, 0]]


@pytest.mark.parametrize(
    ("kind", "shape", "accepts"),
    [
        ("image", (3, 4, 5), "image"),
        ("image", (3, 4, 5), "vector"),
        ("image", (3, 4, 5), "sequence"),
        ("vector", (6,), "sequence"),
    ],
)
def test_undone_it_is_what_it_was(kind: str, shape: tuple[int, ...], accepts: str) -> None:
    examples, adapter = torch.randn(2, *shape), adapt(kind, shape, (accepts,))
    assert torch.equal(adapter.undo(adapter(examples), shape), examples)
