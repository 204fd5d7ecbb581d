"""Synthetic classes in the plane: equal to scikit-learn's where it has them, else true to their formula."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn import datasets

from mlcli.data.blobs import blobs
from mlcli.data.circles import circles
from mlcli.data.moons import moons
from mlcli.data.spirals import spirals
from mlcli.data.xor import xor
from mlcli.loading.dataset import Examples

ALL = [moons, circles, spirals, blobs, xor]


@pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)
def test_examples_noise_and_seed(make: Callable[..., Examples]) -> None:
    one, same, other = make(examples=101), make(examples=101), make(examples=101, seed=1)
    assert one.inputs.shape == (101, 2) and one.inputs.dtype == torch.float32
    assert one.inputs.equal(same.inputs) and not one.inputs.equal(other.inputs)
    counts = one.targets.bincount()
    assert len(counts) == len(one.classes) and counts.max() - counts.min() <= 1
    noisy, exact = make(examples=5000, noise=0.3), make(examples=5000, noise=0.0)
    assert (noisy.inputs - exact.inputs).std().item() == pytest.approx(0.3, rel=0.05)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (moons, lambda n: datasets.make_moons(n, shuffle=False)),
        (circles, lambda n: datasets.make_circles(n, shuffle=False, factor=0.5)),
    ],
    ids=["moons", "circles"],
)
@pytest.mark.parametrize("examples", [100, 101])
def test_equals_scikit_learn(ours: Callable[..., Examples], theirs: Callable[[int], tuple], examples: int) -> None:
    made = ours(examples=examples, noise=0.0)
    points, labels = theirs(examples)
    np.testing.assert_allclose(made.inputs.numpy(), points, atol=1e-6)
    np.testing.assert_array_equal(made.targets.numpy(), labels)


def test_spirals_are_each_other_turned() -> None:
    made = spirals(examples=300, classes=3, noise=0.0)
    first, second = (made.inputs[made.targets == label] for label in (0, 1))
    turn = 2 * torch.pi / 3 * torch.ones(())
    rotation = torch.stack([torch.stack([turn.cos(), turn.sin()]), torch.stack([-turn.sin(), turn.cos()])])
    torch.testing.assert_close(first @ rotation, second, atol=1e-6, rtol=0)
    assert made.inputs.norm(dim=1).max().item() == pytest.approx(1.0)


def test_xor_is_the_sign_of_a_product() -> None:
    made = xor(noise=0.0)
    assert made.targets.equal((made.inputs.prod(1) < 0).long())


def test_blobs_in_many_dimensions() -> None:
    made = blobs(classes=4, features=5)
    assert made.inputs.shape == (1000, 5) and made.features == ("x0", "x1", "x2", "x3", "x4")
