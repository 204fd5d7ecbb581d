"""Meta-gradients of a network against autograd by hand, and what the task says of itself."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.config.errors import ConfigError
from mlcli.run.build import Parts, build
from tests.configs import run_config

SMALL = [
    "task=meta_learning", "data.tasks=60", "model.width=8", "model.norm=none", "model.activation=tanh",
    "task.inner_lr=0.05", "task.tasks=4", "task.shots=5", "task.queries=6", "task.steps=3", "device=cpu",
]  # fmt: skip


def parts_of(*overrides: str) -> Parts:
    return build(run_config(*SMALL, *overrides))


def gradients(parts: Parts) -> dict[str, Tensor]:
    """Of the task's own loss on its first meta-batch."""
    task: Any = parts.task
    named = dict(parts.model.named_parameters())
    found = torch.autograd.grad(task.loss(*batch_of(parts)), list(named.values()), materialize_grads=True)
    return dict(zip(named, found, strict=True))


def batch_of(parts: Parts) -> tuple[Tensor, ...]:
    return next(iter(parts.task.batches(0)))  # type: ignore[no-any-return]


def by_hand(parts: Parts, steps: int, create_graph: bool, head: bool = False) -> dict[str, Tensor]:
    """MAML with torch.autograd.grad and a loop over tasks. First-order: the gradient at the adapted weights."""
    named = dict(parts.model.named_parameters())
    total = {name: torch.zeros_like(each) for name, each in named.items()}
    for support, answers, queries, targets in zip(*batch_of(parts), strict=True):
        fast = dict(named)
        for _ in range(steps):
            cost = squared(parts, fast, support, answers)
            names = [name for name in fast if not head or name.startswith("head.")]
            found = torch.autograd.grad(cost, [fast[name] for name in names], create_graph=create_graph)
            fast |= {name: fast[name] - 0.05 * each for name, each in zip(names, found, strict=True)}
            if not create_graph:
                fast = {name: each.detach().requires_grad_() for name, each in fast.items()}
        at = named if create_graph else fast
        found = torch.autograd.grad(squared(parts, fast, queries, targets), list(at.values()))
        total = {name: sum_ + each / 4 for (name, sum_), each in zip(total.items(), found, strict=True)}
    return total


def squared(parts: Parts, weights: dict[str, Tensor], inputs: Tensor, targets: Tensor) -> Tensor:
    return (functional_call(parts.model, weights, (inputs,)).squeeze(1) - targets).square().mean()


def descended(weights: dict[str, Tensor], gradient: tuple[Tensor, ...]) -> dict[str, Tensor]:
    pairs = zip(weights.items(), gradient, strict=True)
    return {name: (weight - 0.05 * each).detach().requires_grad_() for (name, weight), each in pairs}


def assert_same(got: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    for name, each in expected.items():
        assert torch.allclose(got[name], each, rtol=1e-4, atol=1e-6), name


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize(
    ("method", "how"),
    [
        ("maml", {"create_graph": True}),
        ("fomaml", {"create_graph": False}),
        ("anil", {"create_graph": True, "head": True}),
    ],
)
def test_gradient_is_that_of_autograd_task_by_task(method: str, how: dict[str, bool], steps: int) -> None:
    parts = parts_of(f"task.method={method}", f"task.inner_steps={steps}")
    assert_same(gradients(parts), by_hand(parts, steps, **how))


def test_reptile_goes_towards_the_adapted_weights() -> None:
    """With the inner rate as the outer one, plain descent ends at the mean of the adapted weights."""
    parts = parts_of("task.method=reptile", "task.inner_steps=3", "optimizer=sgd", "optimizer.lr=0.05")
    named = {name: each.detach().clone() for name, each in parts.model.named_parameters()}
    mean = {name: torch.zeros_like(each) for name, each in named.items()}
    for support, answers, queries, targets in zip(*batch_of(parts), strict=True):
        fast = {name: each.clone().requires_grad_() for name, each in named.items()}
        for inputs, wanted in ((support, answers), (queries, targets), (support, answers)):
            found = torch.autograd.grad(squared(parts, fast, inputs, wanted), list(fast.values()))
            fast = descended(fast, found)
        mean = {name: sum_ + fast[name].detach() / 4 for name, sum_ in mean.items()}
    parts.task.step(batch_of(parts))
    assert_same(dict(parts.model.named_parameters()), mean)


def test_joint_training_is_regression_on_all_points() -> None:
    parts = parts_of("task.method=joint")
    support, answers, queries, targets = batch_of(parts)
    inputs, wanted = torch.cat([support, queries], 1).flatten(0, 1), torch.cat([answers, targets], 1).flatten()
    named = dict(parts.model.named_parameters())
    cost = squared(parts, named, inputs, wanted)
    assert_same(gradients(parts), dict(zip(named, torch.autograd.grad(cost, list(named.values())), strict=True)))


def test_learnt_rates_begin_as_the_fixed_one_and_change_the_adaptation() -> None:
    fixed, learnt = parts_of(), parts_of("task.learn_inner_rate=true")
    assert_same(gradients(learnt), gradients(fixed))
    rates = {name: each for name, each in learnt.model.named_parameters() if name.startswith("inner_rate.")}
    assert len(rates) == len(list(fixed.model.parameters()))
    assert all((each == 0.05).all() for each in rates.values())
    learnt.task.step(batch_of(learnt))
    assert any((each != 0.05).any() for each in rates.values())
    saved = learnt.task.state_dict()["model"]
    again = parts_of("task.learn_inner_rate=true")
    again.task.load_state_dict({"model": saved})
    assert again.task.evaluate("test").metrics["loss"] == learnt.task.evaluate("test").metrics["loss"]


def test_head_alone_has_rates_where_it_alone_adapts() -> None:
    parts = parts_of("task.method=anil", "task.learn_inner_rate=true")
    names = [name for name, _ in parts.model.named_parameters() if name.startswith("inner_rate.")]
    assert sorted(names) == ["inner_rate.head/bias", "inner_rate.head/weight"]


def test_evaluation_is_of_adapted_networks_task_by_task() -> None:
    parts = parts_of("task.inner_steps=2", "task.evaluation_steps=[0,4]")
    task: Any = parts.task
    evaluation = task.evaluate("test", full=True)
    index = task.problem.tasks["test"].evaluation_tasks(100)
    inputs, targets = task.loader.at(index)
    costs: dict[int, list[float]] = {0: [], 2: [], 4: []}
    for x, y in zip(inputs, targets, strict=True):
        weights = {name: each.detach().requires_grad_() for name, each in parts.model.named_parameters()}
        for step in range(5):
            if step in costs:
                costs[step].append(squared(parts, weights, x[5:], y[5:]).item())
            found = torch.autograd.grad(squared(parts, weights, x[:5], y[:5]), list(weights.values()))
            weights = descended(weights, found)
    for step, own in costs.items():
        mean = torch.tensor(own)
        assert float(evaluation.metrics[f"after_{step}_loss"]) == pytest.approx(float(mean.mean()), rel=1e-4)
        margin = 1.96 * float(mean.std()) / len(own) ** 0.5
        assert float(evaluation.metrics[f"after_{step}_loss_margin_of_error"]) == pytest.approx(margin, rel=1e-3)
    assert evaluation.metrics["loss"] == evaluation.metrics["after_2_loss"]
    queries = evaluation.columns["role"] == "query"
    error = evaluation.columns["adapted"] - evaluation.columns["target"]
    assert float((error[queries] ** 2).mean()) == pytest.approx(float(evaluation.metrics["loss"]), rel=1e-4)
    assert {plot.name for plot in evaluation.plots()} == {"loss_by_inner_step", "adaptation"}


@pytest.mark.parametrize(
    ("overrides", "word"),
    [
        (["data=diabetes", "split.by=example", "~data.tasks"], "has no groups"),
        (["data=iris", "split.by=example", "~data.tasks"], "use split.by=class"),
        (["split.by=example"], "use split.by=group"),
        (["data=wine", "split.by=class", "split.val=0.3", "split.test=0.3", "~data.tasks"], "has 1 classes"),
        (["task.shots=45"], "has a group of 50 examples"),
        (["model.norm=batch_norm"], "model.norm=layer_norm"),
        (["model.dropout=0.1"], "model.dropout=0"),
        (["task.method=reptile"], "use task.inner_steps=5"),
        (["task.method=joint", "task.learn_inner_rate=true"], "task.learn_inner_rate=false"),
        (["trainer.layer_statistics=true"], "trainer.layer_statistics=false"),
    ],
)
def test_what_cannot_be_is_said(overrides: list[str], word: str, refuses: Callable[..., str]) -> None:
    assert word in refuses(*overrides)


@pytest.fixture
def refuses() -> Callable[..., str]:
    def build_fails(*overrides: str) -> str:
        deleted = {override.removeprefix("~") for override in overrides if override.startswith("~")}
        own = [each for each in SMALL if each.partition("=")[0] not in deleted]
        with hydra_session() as hydra, pytest.raises(ConfigError) as error:
            build(to_run(compose(hydra, [*own, *(each for each in overrides if not each.startswith("~"))])))
        return str(error.value)

    return build_fails
