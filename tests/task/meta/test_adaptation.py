"""Inner steps and the gradients through them against formulas by hand, and against autograd's own double backward."""

import torch
from torch import Tensor
from torch.func import grad

from mlcli.task.meta.adaptation import Loss, Weights, adapt, with_gradient

RATE = 0.1


def square(target: float) -> Loss:
    """(w − target)²: one step of rate r gives w − 2r(w − target), whose derivative by w is 1 − 2r."""
    return lambda weights: (weights["w"] - target).square()


def after(weights: Weights, second_order: bool, rate: float | Tensor = RATE, steps: int = 1) -> Tensor:
    """What it costs on another target."""
    return square(3.0)(adapt([square(1.0)] * steps, weights, {"w": rate}, second_order))


def test_second_order_is_the_chain_rule_through_the_step() -> None:
    w = 5.0
    stepped = w - 2 * RATE * (w - 1)
    second = grad(lambda weights: after(weights, True))({"w": torch.tensor(w)})["w"]
    first = grad(lambda weights: after(weights, False))({"w": torch.tensor(w)})["w"]
    assert torch.isclose(second, torch.tensor(2 * (stepped - 3) * (1 - 2 * RATE)))
    assert torch.isclose(first, torch.tensor(2 * (stepped - 3)))  # the gradient at the adapted weight


def test_the_derivative_by_a_rate_is_minus_the_inner_gradient_in_either_order() -> None:
    w = 5.0
    for second_order in (True, False):
        rate = torch.tensor(RATE, requires_grad=True)
        after({"w": torch.tensor(w)}, second_order, rate).backward()
        stepped = w - 2 * RATE * (w - 1)
        assert torch.isclose(rate.grad, torch.tensor(2 * (stepped - 3) * -2 * (w - 1)))  # type: ignore[arg-type]


def test_several_steps_and_the_losses_in_turn() -> None:
    adapted = adapt([square(1.0), square(-1.0)], {"w": torch.tensor(5.0)}, {"w": RATE}, False)["w"]
    once = 5.0 - 2 * RATE * (5.0 - 1)
    assert torch.isclose(adapted, torch.tensor(once - 2 * RATE * (once + 1)))
    second = grad(lambda weights: after(weights, True, steps=3))({"w": torch.tensor(5.0)})["w"]
    stepped = 1 + 4 * (1 - 2 * RATE) ** 3
    assert torch.isclose(second, torch.tensor(2 * (stepped - 3) * (1 - 2 * RATE) ** 3))


def test_what_has_no_rate_stays() -> None:
    weights = {"w": torch.tensor(5.0), "fixed": torch.tensor(2.0)}
    adapted = adapt([lambda own: (own["w"] * own["fixed"]).square()], weights, {"w": RATE}, True)
    assert adapted["fixed"] is weights["fixed"]
    assert torch.isclose(adapted["w"], torch.tensor(5 - RATE * 2 * 5 * 4.0))


def test_a_value_with_a_gradient_of_its_own() -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    told = with_gradient(w.sum() * 7, {"w": w}, {"w": torch.tensor([0.5, -4.0])})
    told.backward()  # type: ignore[no-untyped-call]
    assert float(told.detach()) == 21
    assert w.grad is not None and w.grad.tolist() == [0.5, -4.0]
