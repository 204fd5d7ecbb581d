"""What mlcli does with each optimizer of torch.optim and of `tests.odd.optimizer_zoo`.

Alone, it equals a plain loop of PyTorch bit for bit, and continues where its state was saved. A stack has the numbers
of its trials alone, or is refused.
"""

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F

from mlcli.config.settings import Settings
from mlcli.random_numbers import keep_states
from mlcli.run.build import Parts, build
from mlcli.run.failure import first_line
from mlcli.run.stacked import build_trials, stack_of
from tests.configs import run_config
from tests.odd import optimizer_zoo as zoo

EPOCHS = 12  # of four updates: more than the 30 of the test that a stack makes
COMMON = ["data=wine", "model=mlp", "model.width=8", "model.activation=tanh", "device=cpu", "device.threads=1"]
COMMON += ["trainer.batch_size=32", f"trainer.epochs={EPOCHS}"]
TOLERANCE = 2e-5  # of the distance that the weights moved; sums in another order differ by rounding
SETTINGS: dict[str, dict[str, Any]] = {"LBFGS": {"max_iter": 4}, "AdamW": {"weight_decay": 0.1}}
RATES: dict[str, float] = {"LBFGS": 0.5, "Rprop": 0.001, "Lion": 0.001, "Sophia": 0.001, "Lamb": 0.001}
TORCH = {
    name: kind
    for name, kind in vars(torch.optim).items()
    if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer) and kind is not torch.optim.Optimizer
}
OWN = {name: kind for name, kind in vars(zoo).items() if isinstance(kind, type) and kind.__module__ == zoo.__name__}
OWN = {name: kind for name, kind in OWN.items() if issubclass(kind, torch.optim.Optimizer) and name != "Own"}
UNSAVED = {"ClearsGradients", "KeepsMemory", "LateNoise", "SharedCounter"}  # with state that their state dict lacks
KINDS: dict[str, Any] = {**TORCH, **OWN}


@dataclass(frozen=True)
class Found:
    name: str
    how: str  # stacked, alone
    reason: str = ""


def configs() -> dict[str, Settings]:
    """The config for most optimizers, and for those that take only matrices or only sparse gradients."""
    made = run_config(*COMMON)
    matrices, sparse = copy.deepcopy(made), copy.deepcopy(made)
    matrices.model.freeze = ["*bias", "*norm*"]
    sparse.data = Settings({"_target_": f"{zoo.__name__}.words"})
    sparse.model = Settings({"_target_": f"{zoo.__name__}.SparseWords", "init_from": None, "freeze": None})
    return {"": made, "Muon": matrices, "SparseAdam": sparse}


def config(name: str, base: dict[str, Settings], seed: int = 0) -> Settings:
    cfg = copy.deepcopy(base.get(name, base[""]))
    rate = RATES.get(name, 0.01) * (1 + seed)
    target = f"{'torch.optim' if name in TORCH else zoo.__name__}.{name}"
    cfg.optimizer = Settings({"_target_": target, "lr": rate, **SETTINGS.get(name, {})})
    cfg.trainer.seed = seed
    return cfg


def examine(name: str, base: dict[str, Settings]) -> Found:
    """Trains with it alone and as a stack. Fails if numbers differ."""
    cfgs = [config(name, base, seed) for seed in (0, 1)]
    if name == "RaisesInStepSeven":
        return Found(name, "alone", _raises(cfgs))
    alone = [build(cfg) for cfg in cfgs]
    start = [_weights(parts) for parts in alone]
    for parts in alone:
        _reset(name)
        _train(parts, 0, EPOCHS)
    expected = [_weights(parts) for parts in alone]
    assert all(map(torch.equal, expected[0], _plain_loop(name, cfgs[0]))), f"{name}: not a plain loop of PyTorch"
    if name not in UNSAVED:
        _continue(name, cfgs[0], expected[0])
    _reset(name)
    got = _stacked(cfgs)
    if isinstance(got, str):
        return Found(name, "alone", got)
    for own, other, first in zip(got, expected, start, strict=True):
        moved, apart = (float(_distance(other, each)) for each in (first, own))
        assert moved > 1e-4 and apart < TOLERANCE * moved, f"{name}: a stack differs by {apart / moved:.2g}"
    return Found(name, "stacked")


def _reset(name: str) -> None:
    if name == "SharedCounter":
        zoo.SharedCounter.count = 0


def _weights(parts: Parts) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in parts.model.parameters()]


def _distance(weights: Sequence[torch.Tensor], others: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.cat([(a - b).flatten() for a, b in zip(weights, others, strict=True)]).norm()


def _train(parts: Parts, first: int, last: int) -> None:
    for epoch in range(first, last):
        for batch in parts.task.batches(epoch):
            parts.task.step(batch)


def _plain_loop(name: str, cfg: Settings) -> list[torch.Tensor]:
    """The weights after a loop as in PyTorch's tutorials, on the same batches."""
    parts = build(cfg)
    settings = {key: value for key, value in cfg.optimizer.items() if key != "_target_"}
    model, task = parts.model, parts.task
    optimizer: Any = KINDS[name]([p for p in model.parameters() if p.requires_grad], **settings)
    if name == "ScheduleFree":
        optimizer.train()
    _reset(name)
    for epoch in range(EPOCHS):
        for inputs, targets in task.batches(epoch):

            def closure(inputs: Any = inputs, targets: Any = targets) -> torch.Tensor:
                with torch.enable_grad():
                    optimizer.zero_grad()
                    loss = F.cross_entropy(model(inputs), targets)
                    loss.backward()  # type: ignore[no-untyped-call]
                return loss

            if name in ("LBFGS", "Sam"):
                optimizer.step(closure)
            else:
                closure()
                optimizer.step()
    return _weights(parts)


def _continue(name: str, cfg: Settings, expected: Sequence[torch.Tensor]) -> None:
    """Half of the training, and the rest from its state in other objects."""
    first, second = build(cfg), build(cfg)
    _train(first, 0, EPOCHS // 2)
    second.task.load_state_dict(copy.deepcopy(first.task.state_dict()))
    with keep_states():
        _train(second, EPOCHS // 2, EPOCHS)
    assert all(map(torch.equal, _weights(second), expected)), f"{name}: does not continue where it was saved"


def _stacked(cfgs: Sequence[Settings]) -> list[list[torch.Tensor]] | str:
    """The weights of each trial; or why they do not stack."""
    try:
        parts = build_trials(cfgs)
        stack = stack_of(parts)
        for epoch in range(EPOCHS):
            for batch in stack.batches(epoch):
                stack.step(batch)
        stack.write_back()
    except ValueError as error:  # CannotStack
        return str(error)
    except RuntimeError as error:  # of torch.vmap
        return re.split(r"[.,]\s", first_line(error))[0]
    return [_weights(each) for each in parts]


def _raises(cfgs: Sequence[Settings]) -> str:
    """The reason why trials train alone, of which each fails by itself."""
    for cfg in cfgs:
        try:
            _train(build(cfg), 0, EPOCHS)
        except ArithmeticError as error:
            assert str(error) == "the seventh step fails"
        else:
            raise AssertionError("no error")
    reason = _stacked(cfgs)
    assert isinstance(reason, str)
    return reason


def rows(found: Sequence[Found] | None = None) -> list[tuple[str, str, str]]:
    """For docs/compatibility.md."""
    if found is None:
        base = configs()
        found = [examine(name, base) for name in KINDS]
    return [(_described(each.name), each.how, each.reason) for each in found]


def _described(name: str) -> str:
    if name in TORCH:
        return f"`torch.optim.{name}`"
    notes = " ".join((KINDS[name].__doc__ or "").split()).rstrip(".")
    return f"{re.sub(r'(?<=[a-z])(?=[A-Z])', ' ', name)}: {notes[0].lower()}{notes[1:]}"
