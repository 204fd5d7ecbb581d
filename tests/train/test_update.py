"""One update, held against torch used by hand."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mlcli.train.averaging import Averaging
from mlcli.train.optimizers import MakeOptimizer
from mlcli.train.update import Update, micro_batch_sizes


def constant(step: int, steps_per_epoch: int, total_steps: int) -> float:
    return 1.0


def halving(step: int, steps_per_epoch: int, total_steps: int) -> float:
    return 0.5**step


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)).double()


def batches(count: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(1)
    return [
        (torch.randn(10, 4, generator=generator).double(), torch.randint(3, (10,), generator=generator))
        for _ in range(count)
    ]


def update_of(model: nn.Module, schedule: Any = constant, **settings: Any) -> Update:
    make = MakeOptimizer(partial(torch.optim.SGD, lr=0.5, momentum=0.9), "sgd")
    groups = [{"params": list(model.parameters())}]
    how: dict[str, Any] = {"steps_per_epoch": 2, "total_steps": 8, "device": torch.device("cpu"), "model": model}
    return Update(make, groups, schedule, **how, **settings)


def train(settings: dict[str, Any], schedule: Any = constant) -> list[torch.Tensor]:
    model = network()
    update = update_of(model, schedule, **settings)
    for batch in batches(4):
        update(lambda x, y: F.cross_entropy(model(x), y), *batch)
    return list(model.parameters())


def by_hand(clip_norm: float | None = None, clip_value: float | None = None, rates: Any = None) -> list[torch.Tensor]:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    for step, (x, y) in enumerate(batches(4)):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        if clip_value:
            nn.utils.clip_grad_value_(model.parameters(), clip_value)
        if clip_norm:
            nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        optimizer.param_groups[0]["lr"] = 0.5 * (rates[step] if rates else 1.0)
        optimizer.step()
    return list(model.parameters())


@pytest.mark.parametrize(
    ("settings", "reference"),
    [
        ({}, {}),
        ({"clip_norm": 0.1}, {"clip_norm": 0.1}),
        ({"clip_value": 0.01}, {"clip_value": 0.01}),
        ({"accumulate": 5}, {}),
        ({"accumulate": 3}, {}),  # micro-batches of unequal size
        ({"accumulate": 3, "clip_norm": 0.1}, {"clip_norm": 0.1}),
    ],
)
def test_equals_torch_by_hand(settings: dict[str, Any], reference: dict[str, Any]) -> None:
    for ours, theirs in zip(train(settings), by_hand(**reference), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_follows_the_schedule_step_by_step() -> None:
    for ours, theirs in zip(train({}, halving), by_hand(rates=[1, 0.5, 0.25, 0.125]), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_bf16_computes_in_bf16_and_keeps_float32_weights() -> None:
    model = nn.Linear(4, 3)
    update = update_of(model, precision="bf16")
    seen: list[torch.dtype] = []

    def loss(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        logits = model(x)
        seen.append(logits.dtype)
        return F.cross_entropy(logits, y)

    update(loss, torch.randn(6, 4), torch.zeros(6, dtype=torch.int64))
    assert seen == [torch.bfloat16]
    assert model.weight.dtype == torch.float32


def test_state_goes_on_where_it_was_saved() -> None:
    model = network()
    update = update_of(model, halving)
    halfway: dict[str, Any] = {}
    for number, batch in enumerate(batches(4)):
        if number == 2:
            halfway = {"model": {k: v.clone() for k, v in model.state_dict().items()}, "update": update.state_dict()}
            halfway["update"] = torch.utils._pytree.tree_map(
                lambda value: value.clone() if isinstance(value, torch.Tensor) else value, halfway["update"]
            )
        update(lambda x, y: F.cross_entropy(model(x), y), *batch)
    again = network()
    resumed = update_of(again, halving)
    again.load_state_dict(halfway["model"])
    resumed.load_state_dict(halfway["update"])
    for batch in batches(4)[2:]:
        resumed(lambda x, y: F.cross_entropy(again(x), y), *batch)
    for ours, theirs in zip(again.parameters(), model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_l1_is_the_gradient_of_the_sum_of_sizes() -> None:
    model = network()
    update = update_of(model, l1=0.01)
    expected = network()
    optimizer = torch.optim.SGD(expected.parameters(), lr=0.5, momentum=0.9)
    for x, y in batches(4):
        update(lambda x, y: F.cross_entropy(model(x), y), x, y)
        optimizer.zero_grad()
        (F.cross_entropy(expected(x), y) + 0.01 * sum(p.abs().sum() for p in expected.parameters())).backward()
        optimizer.step()
    for one, other in zip(model.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_fp16_penalises_true_gradients() -> None:
    """One step on w = 1 with the loss 0 · w and the penalty |w|: 1 - 0.1 · 1."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.ones_(model.weight)
    make = MakeOptimizer(partial(torch.optim.SGD, lr=0.1), "sgd")
    how: dict[str, Any] = {"steps_per_epoch": 1, "total_steps": 1, "device": torch.device("cpu")}
    update = Update(make, [{"params": [model.weight]}], constant, precision="fp16", l1=1.0, **how)
    update(lambda x: 0.0 * model(x).float().sum(), torch.ones(2, 1))
    assert model.weight.item() == pytest.approx(0.9, abs=1e-6)


@pytest.mark.parametrize("accumulate", [2, 3, 8])
def test_accumulate_weighs_parts_by_what_their_loss_is_a_mean_of(accumulate: int) -> None:
    """Ten sequences with 0 to 9 answered steps."""
    answered = torch.arange(10).unsqueeze(1) > torch.arange(9)
    x = torch.randn(10, 9, 4, generator=torch.Generator().manual_seed(0)).double()

    def trained(**settings: Any) -> nn.Module:
        model = network()

        def loss(x: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
            return (model(x).square().sum(-1) * there).sum() / there.sum().clamp(min=1)

        update = update_of(model, **settings)
        for _ in range(3):
            expected = loss(x, answered).detach()
            told = update(loss, x, answered, weight_of=lambda x, there: there.sum())
            torch.testing.assert_close(told, expected, rtol=1e-12, atol=1e-12)
        return model

    whole = trained()
    for one, other in zip(trained(accumulate=accumulate).parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_no_part_of_a_batch_is_a_single_example_left_over() -> None:
    assert micro_batch_sizes(32, 4, 32) == [8, 8, 8, 8]
    assert micro_batch_sizes(33, 4, 32) == [8, 8, 8, 9]
    assert micro_batch_sizes(3, 4, 32) == [3]  # as large as the parts of a whole batch
    assert micro_batch_sizes(10, 3, None) == [4, 4, 2]
    assert micro_batch_sizes(4, 4, 4) == [1, 1, 1, 1]  # as asked for
    assert micro_batch_sizes(1, 4, 32) == [1]


@pytest.mark.parametrize(
    ("averaging", "reference"),
    [
        (Averaging("swa", start=0.0), {}),
        (Averaging("ema", decay=0.05), {"multi_avg_fn": torch.optim.swa_utils.get_ema_multi_avg_fn(0.05)}),
    ],
)
def test_averages_are_those_of_torch(averaging: Averaging, reference: dict[str, Any]) -> None:
    model = network()
    update = update_of(model, averaging=averaging)
    averaged = torch.optim.swa_utils.AveragedModel(model, **reference)
    for batch in batches(4):
        update(lambda x, y: F.cross_entropy(model(x), y), *batch)
        averaged.update_parameters(model)
    last = [p.detach().clone() for p in model.parameters()]
    with update.averaged():
        for one, other in zip(model.parameters(), averaged.module.parameters(), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
    assert all(torch.equal(one, other) for one, other in zip(model.parameters(), last, strict=True))


def test_an_exponential_mean_forgets_faster_at_first_and_swa_waits() -> None:
    ema, swa = Averaging("ema", decay=0.9), Averaging("swa", start=0.5)
    assert [round(1 - ema.share(step, 1000), 3) for step in (0, 1, 10, 500)] == [0.1, 0.182, 0.55, 0.9]
    assert [swa.share(step, 8) for step in (0, 4, 5, 7)] == [1.0, 1.0, 0.5, 0.25]
