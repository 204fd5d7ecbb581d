"""Squared distances against differences in double precision."""

import pytest
import torch

from mlcli.precise import squared_distances


@pytest.mark.parametrize(("place", "spread"), [(0.0, 1.0), (52.5, 1e-3), (1000.0, 0.01), (1e6, 1.0), (-1e8, 100.0)])
def test_points_far_from_the_origin(place: float, spread: float) -> None:
    generator = torch.Generator().manual_seed(0)
    points, others = (place + spread * torch.randn(2, n, 5, generator=generator) for n in (40, 7))
    expected = (points.double().unsqueeze(2) - others.double().unsqueeze(1)).square().sum(-1)
    found = squared_distances(points, others)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=0.0)
    assert torch.equal(found[:1], squared_distances(points[:1], others[:1]))


def test_equal_points_have_distance_zero_and_gradients_are_exact() -> None:
    point = torch.tensor([[52.5, 13.4]])
    assert squared_distances(point, point).item() == 0
    points = (1000 + torch.randn(4, 3)).requires_grad_()
    others = (1000 + torch.randn(2, 3)).requires_grad_()
    (squared_distances(points, others).sqrt().sum()).backward()
    found, points.grad = points.grad, None
    torch.linalg.vector_norm(points.double().unsqueeze(1) - others.double(), dim=-1).sum().backward()
    torch.testing.assert_close(found, points.grad)
