"""A training that continues from a checkpoint in a new process has the bits of one that was never interrupted: every
task, model, optimizer and schedule, between two epochs and within one."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import pytest

from mlcli.config.compose import compose, hydra_session, shipped_conf, to_run
from mlcli.config.settings import Settings
from tests.odd import optimizers_contract
from tests.test_configs import OPTIONAL, small_model
from tests.test_contract import CASES
from tests.train.resuming import differences

CONF = shipped_conf()
SMALL = ["device=cpu", "split.val=0.02", "split.test=0.9", "trainer.batch_size=32"]  # five updates an epoch
MLP = ["data=digits", "model=mlp", "model.width=16", "model.dropout=0.2", *SMALL]
CNN = ["data=digits", "model=cnn", "model.width=4", "model.norm=batch_norm", *SMALL]
TASKS = {
    name: [*overrides, "task.evaluation_tasks=10"] if "task=meta_learning" in overrides else overrides
    for name, overrides in CASES.items()
}
TASKS |= {
    "reduction": ["task=reduction", "data=digits", "model=pca"],
    "reduction-incremental": ["task=reduction", "data=digits", "model=pca", "task.incremental=true"],
    "clustering-restarts": ["task=clustering", "data=iris", "model.starts=4"],
    "clustering-mini-batch": ["task=clustering", "data=iris", "task.mini_batch=32"],
    "control-sarsa": ["task=control", "task.method=sarsa", "task.episodes=20"],
    "control-value-iteration": ["task=control", "task.method=value_iteration"],
    "augment": [*CNN, "task.shift=1", "task.rotate=10", "task.flip=true", "task.noise=0.1", "task.mixup=0.4"],
    "streamed": [*MLP, "device.resident=false"],
    "balanced": [*MLP, "trainer.sampler=balanced", "trainer.class_weights=balanced"],
    "accumulate": [*MLP, "trainer.accumulate=3", "trainer.clip_norm=1", "trainer.l1=0.01"],
    "ema": [*CNN, "trainer.average=ema"],
    "swa": [*CNN, "trainer.average=swa", "trainer.average_start=0.3"],
    "patience": [*MLP, "trainer.patience=1", "trainer.min_delta=10"],
    "max-steps": [*MLP, "trainer.max_steps=12"],
    "statistics": [*MLP, "trainer.layer_statistics=true"],
}
VARIANTS = [
    name for name in CASES if "-" in name and name not in ("sequence-labelling", "language-model", "few-shot")
]
VARIANTS += ["control-sarsa", "control-value-iteration", "statistics", "max-steps", "patience"]
WHOLE = {"dqn", "reinforce"}  # environments are reset in each epoch, which has no other place to start from
CONVERGED = {"reduction", "reduction-incremental", "control-value-iteration", "kmeans", "pca"}  # after an epoch
LARGE = ("resnet34", "resnet50", "efficientnet_lite0")  # the networks of these models are those of resnet18
TORCH = "scheduler._target_=torch.optim.lr_scheduler"
SCHEDULES = {
    "torch-plateau": [f"{TORCH}.ReduceLROnPlateau", "+scheduler.patience=0", *MLP],
    "torch-one-cycle": [f"{TORCH}.OneCycleLR", "+scheduler.max_lr=0.1", *MLP],
}


def options(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml") if path.stem not in OPTIONAL)


def composed(cases: Mapping[str, Sequence[str]]) -> dict[str, Settings]:
    with hydra_session() as hydra:
        return {name: to_run(compose(hydra, ["device=cpu", *overrides])) for name, overrides in cases.items()}


def check(cases: Mapping[str, Settings], folder: Path) -> None:
    found = differences(cases, folder)
    assert {case: what for case, what in found.items() if what} == {}
    assert {case for case in found if case.endswith("/boundary")} == {f"{case}/boundary" for case in cases}
    expected = {f"{case}/within" for case in cases if case not in WHOLE | CONVERGED}
    assert {case for case in found if case.endswith("/within")} == expected


def test_every_task(tmp_path: Path) -> None:
    check(composed({name: TASKS[name] for name in TASKS if name not in VARIANTS}), tmp_path)


@pytest.mark.exhaustive
def test_every_variant_of_a_task(tmp_path: Path) -> None:
    check(composed({name: TASKS[name] for name in VARIANTS}), tmp_path)


def models(large: bool) -> dict[str, Settings]:
    chosen = [option for option in options("model") if (option in LARGE) == large]
    return composed({option: [*small_model(option), *SMALL] for option in chosen})


def test_every_model(tmp_path: Path) -> None:
    check(models(large=False), tmp_path)


@pytest.mark.exhaustive
def test_every_large_model(tmp_path: Path) -> None:
    check(models(large=True), tmp_path)


def test_every_optimizer(tmp_path: Path) -> None:
    cases = composed({name: [f"optimizer={name}", *MLP] for name in options("optimizer")})
    base = optimizers_contract.configs()
    cases |= {f"torch-{name}": optimizers_contract.config(name, base) for name in optimizers_contract.TORCH}
    check(cases, tmp_path)


def test_every_schedule(tmp_path: Path) -> None:
    check(composed({name: [f"scheduler={name}", *MLP] for name in options("scheduler")} | SCHEDULES), tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize("model", [name for name in options("model") if name not in LARGE])
def test_every_combination(tmp_path: Path, model: str) -> None:
    pairs = product(options("optimizer"), options("scheduler"))
    chosen = [*small_model(model), *SMALL]
    check(
        composed({f"{one}-{other}": [*chosen, f"optimizer={one}", f"scheduler={other}"] for one, other in pairs}),
        tmp_path,
    )
