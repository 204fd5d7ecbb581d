"""A stack trains with the optimizer that was configured: whatever it keeps and wherever, alone and stacked agree."""

import functools
from collections.abc import Iterable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from mlcli.cannot_stack import CannotStack
from mlcli.train.optimizers import MakeOptimizer
from mlcli.train.stack.update import StackedUpdate
from mlcli.train.stack.weights import StackedWeights
from mlcli.train.update import Update
from tests.odd.optimizer_zoo import ScheduleFree

RATES = (0.05, 0.02, 0.1)
STEPS, LEAVES = 30, 12  # at that step the second trial leaves


class OwnOptimizer(torch.optim.Optimizer):
    """Plain gradient descent, of which the classes below are variants."""

    def __init__(self, params: Any, lr: float = 0.1) -> None:
        super().__init__(params, {"lr": lr})
        self.begin()

    def begin(self) -> None:
        """What the constructor keeps outside of the parameter groups."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.move(p, group["lr"])

    def move(self, p: Tensor, lr: float) -> None:
        p -= lr * p.grad


class StateInConstructor(OwnOptimizer):
    """An accumulator that begins at 5, which a fresh optimizer made from `param_groups` would have too, divided by a
    number that only the constructor's argument tells."""

    def __init__(self, params: Any, lr: float = 0.1, start: float = 0.0) -> None:
        self.start = start
        super().__init__(params, lr)

    def begin(self) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["sum"] = torch.full_like(p, self.start)

    def move(self, p: Tensor, lr: float) -> None:
        total = self.state[p]["sum"].add_(p.grad**2)
        p -= lr * p.grad / (total.sqrt() + 1e-3)


class RateInState(OwnOptimizer):
    """The first rate decides for good."""

    def begin(self) -> None:
        self.bound = self.param_groups[0]["lr"] / 10

    def move(self, p: Tensor, lr: float) -> None:
        p -= (lr * p.grad).clamp(-self.bound, self.bound)


class RateInVelocity(OwnOptimizer):
    """v ← 0.9 v + lr g: not the same as lr · (0.9 v + g) while a schedule changes the rate."""

    def move(self, p: Tensor, lr: float) -> None:
        velocity = self.state[p].setdefault("velocity", torch.zeros_like(p))
        p -= velocity.mul_(0.9).add_(p.grad, alpha=lr)


class StateInAttributes(OwnOptimizer):
    """A mean of gradients and a counter, both kept in attributes."""

    def begin(self) -> None:
        self.count = 0
        self.means: dict[int, Tensor] = {}

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.count += 1
        super().step()

    def move(self, p: Tensor, lr: float) -> None:
        mean = self.means.setdefault(id(p), torch.zeros_like(p))
        p -= lr / self.count**0.5 * mean.lerp_(p.grad, 0.3)


class CountsInAttribute(OwnOptimizer):
    def begin(self) -> None:
        self.count = 0

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.count += 1
        super().step()

    def move(self, p: Tensor, lr: float) -> None:
        p -= lr / self.count * p.grad


class OtherForLarge(OwnOptimizer):
    """As those that quantise the state of tensors from some size on."""

    def move(self, p: Tensor, lr: float) -> None:
        p -= lr * (p.grad if p.numel() < 4096 else p.grad.sign())


class OtherForMatrices(OwnOptimizer):
    """As Muon and Shampoo."""

    def move(self, p: Tensor, lr: float) -> None:
        p -= lr * (p.grad / p.grad.norm() if p.ndim == 2 else p.grad)


class Rebinds(OwnOptimizer):
    """Puts another tensor in the place of the weights' data."""

    def move(self, p: Tensor, lr: float) -> None:
        p.data = p - lr * p.grad


class RaisesAtFirstStep(OwnOptimizer):
    def move(self, p: Tensor, lr: float) -> None:
        raise ArithmeticError("no step today")


def falling(step: int, steps_per_epoch: int, total_steps: int) -> float:
    return 1 - 0.9 * step / total_steps


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    layers = nn.Sequential(nn.Linear(20, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 110))
    return layers.double()  # 4,400 weights in the last layer: large ones lie in a tensor of their own


def batches() -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(1)
    return [
        (torch.randn(16, 20, generator=generator).double(), torch.randint(110, (16,), generator=generator))
        for _ in range(STEPS)
    ]


def make(kind: Any, **settings: Any) -> MakeOptimizer:
    return MakeOptimizer(functools.partial(kind, **settings), f"{kind.__name__} {settings}")


def updates(makers: Iterable[MakeOptimizer]) -> tuple[list[nn.Module], list[Update]]:
    made = [(network(seed), maker) for seed, maker in enumerate(makers)]
    how: dict[str, Any] = {"steps_per_epoch": 10, "total_steps": STEPS, "device": torch.device("cpu")}
    return [model for model, _ in made], [
        Update(maker, [{"params": list(model.parameters())}], falling, model=model, **how) for model, maker in made
    ]


def loss_of(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return -model(x).log_softmax(1).gather(1, y.unsqueeze(1)).mean()


def alone(makers: Iterable[MakeOptimizer]) -> list[list[Tensor]]:
    models, each = updates(makers)
    for row, (model, update) in enumerate(zip(models, each, strict=True)):
        for batch in batches()[: LEAVES if row == 1 else STEPS]:
            update(functools.partial(loss_of, model), *batch)
    return [list(model.parameters()) for model in models]


def stacked(makers: Iterable[MakeOptimizer]) -> tuple[list[list[Tensor]], StackedUpdate]:
    models, each = updates(makers)
    weights = StackedWeights(models, [list(models[0].parameters())])
    update = StackedUpdate(each, weights)

    def losses(x: Tensor, y: Tensor) -> Tensor:
        one = torch.vmap(lambda named, x, y: loss_of(functools.partial(functional_call, models[0], named), x, y))
        found: Tensor = one(weights.named(), x, y)
        return found

    ended: list[list[Tensor]] = []
    for step, batch in enumerate(batches()):
        if step == LEAVES:
            ended = [[tensor[1].detach().clone() for tensor in weights.trained.values()]]
            weights.keep([0, 2])
            update.keep([0, 2])
        update(losses, *(tensor.expand(len(update.updates), *tensor.shape) for tensor in batch))
    names = [name for name, _ in models[0].named_parameters()]
    first, last = ([weights.trained[name][row].detach() for name in names] for row in range(2))
    order = list(weights.trained)
    return [first, [ended[0][order.index(name)] for name in names], last], update


@pytest.mark.parametrize(
    ("kind", "settings", "together"),
    [
        (torch.optim.SGD, {"momentum": 0.9}, True),
        (torch.optim.Adagrad, {"initial_accumulator_value": 0.1}, True),
        (torch.optim.Adagrad, {"lr_decay": 0.1, "initial_accumulator_value": 2.0}, True),
        (torch.optim.NAdam, {}, True),
        (torch.optim.Rprop, {}, False),
        (torch.optim.ASGD, {"t0": 3.0}, False),
        (StateInConstructor, {"start": 4.0}, False),
        (CountsInAttribute, {}, False),
        (StateInAttributes, {}, False),
        (RateInState, {}, False),
        (RateInVelocity, {}, False),
        (OtherForLarge, {}, False),
        (OtherForMatrices, {}, False),
    ],
)
def test_alone_and_stacked_agree(kind: Any, settings: dict[str, Any], together: bool) -> None:
    makers = [make(kind, lr=rate, **settings) for rate in RATES]
    expected = alone(makers)
    got, update = stacked(makers)
    assert all(each.joint for each in update.row_optimizers) == together
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-12)


def test_each_trial_has_the_constructors_arguments_of_its_own() -> None:
    makers = [make(torch.optim.Adagrad, lr=0.05, initial_accumulator_value=start) for start in (0.0, 0.1, 3.0)]
    expected = alone(makers)
    got, _ = stacked(makers)
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-12)


def test_one_setting_that_needs_a_step_of_its_own_leaves_the_others_together() -> None:
    makers = [make(torch.optim.SGD, lr=0.05), make(torch.optim.Rprop, lr=0.05), make(torch.optim.SGD, lr=0.02)]
    expected = alone(makers)
    got, _ = stacked(makers)
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-12)


def test_an_optimizer_that_puts_other_tensors_in_place_does_not_stack() -> None:
    with pytest.raises(CannotStack, match="Rebinds replaces the tensors of the weights"):
        stacked([make(Rebinds, lr=rate) for rate in RATES])


def test_an_optimizer_that_raises_trains_alone() -> None:
    makers = [make(RaisesAtFirstStep, lr=rate) for rate in RATES]
    with pytest.raises(CannotStack, match="RaisesAtFirstStep on small tensors raised ArithmeticError: no step today"):
        stacked(makers)


def test_an_optimizer_with_modes_trains_alone() -> None:
    with pytest.raises(CannotStack, match="ScheduleFree has a train and an eval mode"):
        stacked([make(ScheduleFree, lr=rate) for rate in RATES])


def test_an_optimizer_with_modes_is_evaluated_in_eval_mode() -> None:
    """By hand: train() before the steps, eval() around what is judged and kept, train() again."""
    (model,), (update,) = updates([make(ScheduleFree, lr=0.5)])
    expected = network(0)
    optimizer = ScheduleFree(expected.parameters(), lr=0.5)
    optimizer.train()
    for step, (x, y) in enumerate(batches()):
        update(functools.partial(loss_of, model), x, y)
        optimizer.zero_grad()
        F.cross_entropy(expected(x), y).backward()
        optimizer.param_groups[0]["lr"] = 0.5 * falling(step, 10, STEPS)
        optimizer.step()
        if step % 10 == 9:
            training = next(model.parameters()).detach().clone()
            optimizer.eval()
            with update.averaged():
                assert not torch.equal(training, next(model.parameters()))
                for one, other in zip(model.parameters(), expected.parameters(), strict=True):
                    torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)
            optimizer.train()
    for one, other in zip(model.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


def test_an_optimizer_that_needs_a_closure_trains_alone() -> None:
    with pytest.raises(CannotStack, match="LBFGS computes the loss several times per step"):
        stacked([make(torch.optim.LBFGS, lr=0.1)])


class Unused(nn.Module):
    """A layer that the loss does not depend on, or only from some step on."""

    def __init__(self, seed: int, first_used: int) -> None:
        super().__init__()
        self.layers, self.other = network(seed), nn.Linear(20, 110).double()
        self.first_used = first_used

    def forward(self, inputs: Tensor, step: int) -> Tensor:
        outputs: Tensor = self.layers(inputs)
        return outputs + self.other(inputs) if step >= self.first_used else outputs


def with_unused(kind: Any, first_used: int) -> tuple[list[list[Tensor]], list[list[Tensor]]]:
    """Weights of three trials alone and stacked, after a few steps with weight decay."""
    makers = [make(kind, lr=rate, weight_decay=0.1) for rate in RATES]
    how: dict[str, Any] = {"steps_per_epoch": 10, "total_steps": STEPS, "device": torch.device("cpu")}

    def built() -> tuple[list[Unused], list[Update]]:
        models = [Unused(seed, first_used) for seed in range(3)]
        pairs = zip(models, makers, strict=True)
        return models, [Update(maker, [{"params": list(m.parameters())}], falling, **how) for m, maker in pairs]

    models, each = built()
    for model, update in zip(models, each, strict=True):
        for step, (x, y) in enumerate(batches()[:6]):
            update(lambda x, y, model=model, step=step: F.cross_entropy(model(x, step), y), x, y)
    expected = [list(model.parameters()) for model in models]
    models, each = built()
    weights = StackedWeights(models, [list(models[0].parameters())])
    together = StackedUpdate(each, weights)
    for step, (x, y) in enumerate(batches()[:6]):

        def losses(x: Tensor, y: Tensor, step: int = step) -> Tensor:
            def one(named: Any, x: Tensor, y: Tensor) -> Tensor:
                logits = functional_call(models[0], named, (x, step))
                return -logits.log_softmax(1).gather(1, y.unsqueeze(1)).mean()

            found: Tensor = torch.vmap(one)(weights.named(), x, y)
            return found

        together(losses, x.expand(3, *x.shape), y.expand(3, *y.shape))
    names = [name for name, _ in models[0].named_parameters()]
    return expected, [[weights.trained[name][row].detach() for name in names] for row in range(3)]


@pytest.mark.parametrize("first_used", [STEPS, 3])
def test_a_parameter_without_a_gradient_is_skipped_as_alone(first_used: int) -> None:
    """Zero gradients would let AdamW's weight decay change it."""
    expected, got = with_unused(torch.optim.AdamW, first_used)
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-12)
