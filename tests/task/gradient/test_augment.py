"""Random changes of training examples."""

import pytest
import torch
from torch.nn import functional as F

from mlcli.task.gradient.augment import Augment, Mixup

STILL = {"shift": 0.0, "rotate": 0.0, "flip": 0.0, "noise": 0.0}


def images() -> torch.Tensor:
    return torch.rand(64, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def test_a_shift_by_whole_pixels_moves_the_image() -> None:
    augment = Augment("image", (1, 8, 8), **STILL | {"shift": 2.0})
    augment.random = lambda like, fill: torch.ones(like.shape)  # as far as it goes
    moved = augment(images())
    torch.testing.assert_close(moved[..., :-2, :-2], images()[..., 2:, 2:])


def test_a_quarter_turn_and_a_mirror() -> None:
    turn = Augment("image", (1, 8, 8), **STILL | {"rotate": 90.0})
    turn.random = lambda like, fill: torch.ones(like.shape)
    torch.testing.assert_close(turn(images()), images().rot90(1, (2, 3)), rtol=1e-4, atol=1e-5)
    flip = Augment("image", (1, 8, 8), **STILL | {"flip": 1.0})
    torch.manual_seed(0)
    flipped = flip(images())
    mirrored = torch.isclose(flipped, images().flip(3), atol=1e-5).flatten(1).all(1)
    same = torch.isclose(flipped, images(), atol=1e-5).flatten(1).all(1)
    assert torch.all(mirrored ^ same) and 16 < mirrored.sum() < 48


def test_noise_has_its_deviation_and_any_shape() -> None:
    noise = Augment("vector", (100,), **STILL | {"noise": 0.5})
    torch.manual_seed(0)
    assert (noise(torch.zeros(1000, 100)).std() - 0.5).abs() < 0.01


def test_vectors_cannot_be_turned() -> None:
    with pytest.raises(ValueError, match="for images, not vector"):
        Augment("vector", (4,), **STILL | {"rotate": 5.0})


@pytest.mark.parametrize("alpha", [0.01, 0.4, 2.0])
def test_shares_of_mixup_are_from_a_beta_distribution(alpha: float) -> None:
    """Mean 1/2 and variance 1 / (8 alpha + 4), from the generator that is given and no other."""
    draw, state = Mixup(alpha)._beta, torch.get_rng_state()
    shares = draw(torch.empty(20_000), torch.Generator().manual_seed(0))
    assert shares.mean().item() == pytest.approx(0.5, abs=0.02)
    assert shares.var().item() == pytest.approx(1 / (8 * alpha + 4), rel=0.05)
    assert torch.equal(shares, draw(torch.empty(20_000), torch.Generator().manual_seed(0)))
    assert torch.equal(torch.get_rng_state(), state)


def test_mixup_blends_inputs_as_it_blends_losses() -> None:
    """The cross-entropy of a blend is the blend of cross-entropies: the same as of blended one-hot targets."""
    torch.manual_seed(0)
    inputs, targets = torch.rand(6, 4), torch.tensor([0, 1, 2, 0, 1, 2])
    blended, others, share = Mixup(0.4)(inputs, targets)
    assert share.shape == () and 0 <= share <= 1
    torch.testing.assert_close(blended, share * inputs + (1 - share) * inputs.flip(0))
    logits = torch.rand(6, 3)
    soft = share * F.one_hot(targets, 3) + (1 - share) * F.one_hot(others, 3)
    expected = F.cross_entropy(logits, soft)
    torch.testing.assert_close(
        share * F.cross_entropy(logits, targets) + (1 - share) * F.cross_entropy(logits, others), expected
    )


def test_shares_follow_the_beta_distribution() -> None:
    torch.manual_seed(0)
    mixup = Mixup(0.4)
    shares = torch.stack([mixup(torch.zeros(2, 1), torch.zeros(2))[2] for _ in range(2000)])
    assert abs(shares.mean() - 0.5) < 0.03
    assert abs(shares.var() - 1 / (4 * (2 * 0.4 + 1))) < 0.01
