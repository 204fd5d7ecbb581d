"""Schedulers of torch by `_target_`: every class changes learning rates exactly as torch's own loop does."""

from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler

from mlcli.config.check import check
from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.config.errors import ConfigError
from mlcli.config.settings import Settings
from mlcli.run.build import Parts, build
from mlcli.run.stacked import stack_of
from tests.configs import run_config

EPOCHS = 6
TORCH = "torch.optim.lr_scheduler"


def half(epoch: int) -> float:
    return 0.5**epoch


def falling(epoch: int) -> float:
    return 0.9


def nested(name: str, **settings: Any) -> dict[str, Any]:
    return {"_target_": f"{TORCH}.{name}", **settings}


HALF = {"_target_": f"{__name__}.half", "_partial_": True}
FALLING = {"_target_": f"{__name__}.falling", "_partial_": True}
WARM = nested("LinearLR", start_factor=0.2, total_iters=2)
# By name: the settings in the config, and the scheduler that torch's own loop has.
CASES: dict[str, tuple[dict[str, Any], Any]] = {
    "StepLR": ({"step_size": 2}, lambda o, n: lr_scheduler.StepLR(o, 2)),
    "MultiStepLR": ({"milestones": [1, 4]}, lambda o, n: lr_scheduler.MultiStepLR(o, [1, 4])),
    "ConstantLR": ({}, lambda o, n: lr_scheduler.ConstantLR(o)),
    "LinearLR": ({"total_iters": 4}, lambda o, n: lr_scheduler.LinearLR(o, total_iters=4)),
    "ExponentialLR": ({"gamma": 0.7}, lambda o, n: lr_scheduler.ExponentialLR(o, 0.7)),
    "PolynomialLR": ({"total_iters": 4, "power": 2.0}, lambda o, n: lr_scheduler.PolynomialLR(o, 4, 2.0)),
    "CosineAnnealingLR": ({"T_max": 6, "eta_min": 0.001}, lambda o, n: lr_scheduler.CosineAnnealingLR(o, 6, 0.001)),
    "CosineAnnealingWarmRestarts": ({"T_0": 2}, lambda o, n: lr_scheduler.CosineAnnealingWarmRestarts(o, 2)),
    "LambdaLR": ({"lr_lambda": HALF}, lambda o, n: lr_scheduler.LambdaLR(o, half)),
    "MultiplicativeLR": ({"lr_lambda": FALLING}, lambda o, n: lr_scheduler.MultiplicativeLR(o, falling)),
    "OneCycleLR": ({"max_lr": 0.3}, lambda o, n: lr_scheduler.OneCycleLR(o, 0.3, n)),
    "CyclicLR": (
        {"base_lr": 0.01, "max_lr": 0.3, "step_size_up": 5},
        lambda o, n: lr_scheduler.CyclicLR(o, 0.01, 0.3, 5),
    ),
    "SequentialLR": (
        {"schedulers": [WARM, nested("ExponentialLR", gamma=0.9)], "milestones": [2]},
        lambda o, n: lr_scheduler.SequentialLR(
            o, [lr_scheduler.LinearLR(o, 0.2, total_iters=2), lr_scheduler.ExponentialLR(o, 0.9)], [2]
        ),
    ),
    "ChainedScheduler": (
        {"schedulers": [WARM, nested("ExponentialLR", gamma=0.9)]},
        lambda o, n: lr_scheduler.ChainedScheduler(
            [lr_scheduler.LinearLR(o, 0.2, total_iters=2), lr_scheduler.ExponentialLR(o, 0.9)]
        ),
    ),
    "ReduceLROnPlateau": ({"patience": 0}, lambda o, n: lr_scheduler.ReduceLROnPlateau(o, patience=0)),
}
BY_STEP = {"OneCycleLR", "CyclicLR"}
SCORES = (1.0, 2.0, 0.5, 0.6, 0.7, 0.4)


def config(scheduler: dict[str, Any], **trainer: Any) -> Settings:
    with hydra_session() as hydra:
        overrides = ["data=iris", "model=linear", "device=cpu", "optimizer=momentum", f"trainer.epochs={EPOCHS}"]
        cfg = to_run(compose(hydra, [*overrides, "optimizer.lr=0.1"]))
    cfg.scheduler = Settings({**scheduler, "_target_": f"{TORCH}.{scheduler['_target_']}"})
    cfg.trainer.update(trainer)
    check(cfg)
    return cfg


def rates_here(parts: Parts) -> list[list[tuple[float, float]]]:
    """Learning rate and momentum of each group at every update."""
    update, found = parts.task.update, []  # type: ignore[attr-defined]
    for epoch in range(EPOCHS):
        for batch in parts.task.batches(epoch):
            parts.task.step(batch)
            found.append([(group["lr"], group["momentum"]) for group in update.optimizer.param_groups])
        parts.task.observe(SCORES[epoch])
    return found


def rates_of_torch(name: str, make: Any, steps_per_epoch: int, rates: tuple[float, ...], by_step: bool) -> Any:
    weights = [torch.nn.Parameter(torch.zeros(1)) for _ in rates]
    groups = [{"params": [weight], "lr": rate} for weight, rate in zip(weights, rates, strict=True)]
    optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
    scheduler, found = make(optimizer, EPOCHS * steps_per_epoch), []
    for epoch in range(EPOCHS):
        for step in range(steps_per_epoch):
            optimizer.step()
            found.append([(group["lr"], group["momentum"]) for group in optimizer.param_groups])
            if by_step and (epoch, step) != (EPOCHS - 1, steps_per_epoch - 1):
                scheduler.step()
        if not by_step:
            scheduler.step(*([SCORES[epoch]] if name == "ReduceLROnPlateau" else []))
    return found


def test_every_class_of_torch_is_here() -> None:
    kinds = {kind.__name__ for kind in vars(lr_scheduler).values() if is_scheduler(kind)}
    assert kinds == set(CASES)


def is_scheduler(kind: Any) -> bool:
    base = lr_scheduler.LRScheduler
    return isinstance(kind, type) and issubclass(kind, base) and kind not in (base, lr_scheduler._LRScheduler)


@pytest.mark.parametrize("name", CASES)
def test_learning_rates_are_those_of_torch(name: str) -> None:
    settings, make = CASES[name]
    parts = build(config({"_target_": name, **settings}))
    expected = rates_of_torch(name, make, parts.steps_per_epoch, (0.1,), name in BY_STEP)
    assert rates_here(parts) == expected


def test_each_parameter_group_has_its_own_and_the_interval_can_be_chosen() -> None:
    cfg = config({"_target_": "CosineAnnealingLR", "T_max": 24, "interval": "step"}, lr_scale={"*bias": 0.1})
    parts = build(cfg)
    expected = rates_of_torch(
        "", lambda o, n: lr_scheduler.CosineAnnealingLR(o, 24), parts.steps_per_epoch, (0.1, 0.1 * 0.1), True
    )
    assert rates_here(parts) == expected


@pytest.mark.parametrize("name", ["StepLR", "ReduceLROnPlateau", "OneCycleLR"])
def test_trials_of_a_stack_have_the_learning_rates_of_their_own(name: str) -> None:
    """Each with other settings of the scheduler; OneCycleLR also cycles each trial's momentum."""
    settings = {"_target_": name, **CASES[name][0]}
    trials = [settings, settings | ({"max_lr": 0.1} if name == "OneCycleLR" else {"factor": 0.3})]
    trials[1] = trials[1] if name != "StepLR" else settings | {"gamma": 0.3}
    alone = [build(config(each)) for each in trials]
    expected = [rates_here(parts) for parts in alone]
    together = [build(config(each)) for each in trials]
    stack = stack_of(together)
    for epoch in range(EPOCHS):
        for step, batch in enumerate(stack.batches(epoch)):
            update = epoch * together[0].steps_per_epoch + step
            assert stack.step(batch)["lr"] == [own[update][0][0] for own in expected]
        stack.observe([SCORES[epoch]] * 2)
    stack.write_back()
    for one, other in zip(alone, together, strict=True):
        for p, q in zip(one.model.parameters(), other.model.parameters(), strict=True):
            torch.testing.assert_close(q, p, rtol=1e-4, atol=1e-6)


def test_a_resumed_training_continues_the_schedule() -> None:
    for name in ("ReduceLROnPlateau", "CosineAnnealingLR"):
        cfg = config({"_target_": name, **CASES[name][0]})
        parts = build(cfg)
        expected = rates_here(parts)
        first, again = build(cfg), build(cfg)
        for epoch in range(EPOCHS):
            own = first if epoch < 3 else again
            for step, batch in enumerate(own.task.batches(epoch)):
                own.task.step(batch)
                rate = own.task.update.rate  # type: ignore[attr-defined]
                assert rate == expected[epoch * parts.steps_per_epoch + step][0][0]
            own.task.observe(SCORES[epoch])
            if epoch == 2:
                again.task.load_state_dict(first.task.state_dict())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"_target_": "ReduceLROnPlateau", "interval": "step"}, "ReduceLROnPlateau needs a score"),
        ({"_target_": "OneCycleLR", "max_lr": 0.1, "total_steps": 4}, "ends after 4 steps, and the training has 18"),
        ({"_target_": "StepLR"}, r"scheduler\.step_size needs a value"),
        ({"_target_": "StepLR", "step_size": 2, "gama": 1}, r"no scheduler\.gama\. Did you mean gamma"),
        ({"_target_": "StepLR", "step_size": 2, "interval": "batch"}, "must be one of epoch, step"),
        ({"_target_": "CyclicLR", "base_lr": 0.1, "max_lr": 0.2, "mode": "saw"}, "CyclicLR cannot be built"),
    ],
)
def test_what_cannot_work_is_one_line(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(config(settings))


def test_its_settings_are_typed_without_a_plus() -> None:
    """On top of scheduler=constant, and of optimizer=adam, whose settings are not those of NAdam."""
    typed = ["optimizer._target_=torch.optim.NAdam", "optimizer.lr=0.01", "scheduler.step_size=5"]
    cfg = run_config(*typed, f"scheduler._target_={TORCH}.StepLR", "model._target_=torch.nn.Linear")
    assert cfg.optimizer == {"_target_": "torch.optim.NAdam", "lr": 0.01}
    assert cfg.scheduler == {"_target_": f"{TORCH}.StepLR", "step_size": 5}
    assert cfg.model == {"_target_": "torch.nn.Linear", "init_from": None, "freeze": None}
