import math

import pytest
import torch

from mlcli.model.positions import Positions, rotate, sinusoids


def test_sinusoids_are_waves_of_vaswani():
    found = sinusoids(torch.zeros(1, 50, 8))
    assert found.shape == (50, 8)
    for position, i in ((0, 0), (3, 1), (49, 3)):
        angle = position / 10_000 ** (2 * i / 8)
        assert found[position, i].item() == pytest.approx(math.sin(angle), abs=1e-5)
        assert found[position, 4 + i].item() == pytest.approx(math.cos(angle), abs=1e-5)
    assert sinusoids(torch.zeros(1, 5, 7)).shape == (5, 7)


def test_rotation_keeps_lengths_and_counts_distance_alone():
    vectors = torch.randn(2, 8, dtype=torch.float64)
    query, key = (rotate(vector.expand(40, 8)) for vector in vectors)
    torch.testing.assert_close(query.norm(dim=-1), vectors[0].norm().expand(40))
    torch.testing.assert_close(query[0], vectors[0])
    products = query @ key.T
    torch.testing.assert_close(products[7, 2], products[35, 30])
    assert not torch.isclose(products[7, 2], products[7, 3])


def test_half_precision_still_tells_late_steps_apart():
    turned = rotate(torch.ones(600, 4, dtype=torch.bfloat16))
    assert turned.dtype == torch.bfloat16
    torch.testing.assert_close(turned.float(), rotate(torch.ones(600, 4)), rtol=0, atol=0.02)


def test_learned_positions_serve_shorter_sequences():
    positions = Positions("learned", 6, 4)
    assert torch.equal(positions(torch.zeros(2, 3, 4))[1], positions.learned[:3])


def test_an_unknown_name_lists_the_choices():
    with pytest.raises(ValueError, match=r"model.positions=sinus: .* Choices: learned, sinusoidal, rotary"):
        Positions("sinus", 6, 4)
