"""Stacks that fail: before training, during it, or because memory runs out. No trial is lost with its stack."""

import gc
import json
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from mlcli.cannot_stack import CannotStack
from mlcli.run import stacked
from mlcli.run.stacked import stack_of
from mlcli.sweep import probe, stacks
from mlcli.train.stack.stack import Stack
from tests import commands

QUICK = ["tracking=none", "data=iris", "model=mlp", "model.width=8", "trainer.epochs=4", "device=cpu"]
SEEDS = "trainer.seed=0,1,2,3"
RATES = ["trainer.seed=0", "optimizer.lr=1e-4,1e-3,1e-2,1e-1"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def sweep(*arguments: str, status: int = 0) -> Path:
    return commands.sweep([*QUICK, "tracking.figures=false", SEEDS, *arguments], status)


def statuses(folder: Path) -> list[str]:
    """Statuses in the runs' records, which must equal those of the sweep's report."""
    own = [json.loads((folder / number / "run.json").read_text()) for number in "0123"]
    rows = json.loads((folder / "trials.json").read_text())["trials"]
    assert [(each["status"], each["reason"]) for each in own] == [(row["status"], row["reason"]) for row in rows]
    return [each["status"] for each in own]


def lengths(folder: Path) -> list[int]:
    return [len((folder / number / "metrics.jsonl").read_text().splitlines()) for number in "0123"]


def scores(folder: Path) -> list[float]:
    found = [json.loads((folder / number / "result.json").read_text())["metrics"] for number in "0123"]
    return [metrics["test/loss"] for metrics in found]


def exhausted() -> BaseException:
    return torch.OutOfMemoryError("CUDA out of memory")


class Scarce:
    """Raises once, after a number of trials of a stack have ended an epoch."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: Callable[[], BaseException], epoch: int) -> None:
        self.drive, self.error, self.epoch = stacked._train_together, error, epoch
        self.sizes: list[int] = []
        self.made: list[weakref.ref[Any]] = []
        self.alive: list[int] = []  # stacks that were, when another one began
        monkeypatch.setattr(stacked, "_train_together", self)
        monkeypatch.setattr(stacked, "stack_of", self.stack_of)
        self.make = stack_of

    def stack_of(self, parts: Any) -> Any:
        self.alive.append(sum(each() is not None for each in self.made))
        stack = self.make(parts)
        self.made.append(weakref.ref(stack))
        return stack

    def __call__(self, members: Any, watch: Any, alone: bool) -> None:
        self.sizes.append(len(members))
        first = len(self.sizes) == 1

        def until(member: Any, event: Any) -> None:
            watch(member, event)
            if first and member is None and members[-1].progress.epoch == self.epoch:
                raise self.error()  # a new one: a kept one holds on to the stack by its traceback

        self.drive(members, until, alone)


def test_a_stack_is_gone_when_the_next_one_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = sweep("hydra/launcher=stack")
    scarce = Scarce(monkeypatch, exhausted, epoch=2)
    gc.disable()
    try:
        folder = sweep("hydra/launcher=stack")
    finally:
        gc.enable()
    assert scarce.sizes == [4, 2, 2] and scarce.alive == [0, 0, 0]
    assert statuses(folder) == ["FINISHED"] * 4 and lengths(folder) == [4] * 4
    assert scores(folder) == scores(plain)


def test_a_stack_that_has_finished_is_gone_when_the_next_one_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    scarce = Scarce(monkeypatch, exhausted, epoch=99)
    monkeypatch.setattr(stacks, "trials_that_fit", lambda _: 2)
    gc.disable()
    try:
        sweep("hydra/launcher=stack", "model.norm=none,layer_norm")
    finally:
        gc.enable()
    assert scarce.sizes == [2, 2, 2, 2] and scarce.alive == [0, 0, 0, 0]


def test_pruned_trials_stay_so_and_those_that_start_anew_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory runs out after two of four trials were pruned at epoch 1: the other two train alone."""
    halving = [*RATES, "sweep.halving=true", "sweep.rungs=[1]", "hydra/launcher=stack"]
    plain = sweep(*halving)
    scarce = Scarce(monkeypatch, exhausted, epoch=2)
    folder = sweep(*halving)
    assert scarce.sizes == [4, 1, 1]
    assert sorted(statuses(folder)) == ["FINISHED", "FINISHED", "PRUNED", "PRUNED"]
    assert statuses(folder) == statuses(plain) and lengths(folder) == lengths(plain)
    assert scores(folder) == scores(plain)


def test_a_member_that_was_to_be_pruned_when_memory_ran_out_starts_with_a_clean_status(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The rung's own epoch has not ended for the loop: all four restart, and each half keeps its better one."""
    scarce = Scarce(monkeypatch, exhausted, epoch=1)
    folder = sweep(*RATES, "sweep.halving=true", "sweep.rungs=[1]", "hydra/launcher=stack")
    assert scarce.sizes == [4, 2, 2]
    for status, length in zip(statuses(folder), lengths(folder), strict=True):
        assert (status == "PRUNED") == (length < 4)


@pytest.mark.parametrize("launcher", ["auto", "stack"])
def test_after_a_fault_in_its_training_the_members_of_a_stack_train_alone(
    launcher: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = sweep("hydra/launcher=serial")
    scarce = Scarce(monkeypatch, lambda: TypeError("unhashable"), epoch=3)
    folder = sweep(f"hydra/launcher={launcher}")
    assert scarce.sizes == [4, 1, 1, 1, 1]
    assert statuses(folder) == ["FINISHED"] * 4 and lengths(folder) == [4] * 4
    assert scores(folder) == scores(plain)  # to the last bit: alone is alone
    err = capsys.readouterr().err
    assert "a stack of 4 trials failed (TypeError: unhashable): 4 of them restart, one by one" in err
    assert "Traceback" not in err and "TypeError: unhashable" in (folder / "train.log").read_text()


def test_members_that_were_over_keep_what_they_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials 0 and 1 train for two epochs, and the stack fails in the third."""
    Scarce(monkeypatch, lambda: TypeError("unhashable"), epoch=3)
    arguments = ["trainer.epochs=2,4", "trainer.seed=0,1", "hydra/launcher=stack"]
    folder = sweep(*arguments)
    assert statuses(folder) == ["FINISHED"] * 4 and sorted(lengths(folder)) == [2, 2, 4, 4]


def breaks(*_: Any, **__: Any) -> Any:
    raise KeyError("no rule")


@pytest.mark.parametrize("where", ["build", "step", "evaluation"])
def test_a_fault_while_probing_means_one_by_one(
    where: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With `auto`; with `stack` it is an error."""
    if where == "build":
        monkeypatch.setattr(stacks, "build_trials", breaks)
    else:
        monkeypatch.setattr(Stack, "step" if where == "step" else "evaluate", breaks)
    folder = sweep("hydra/launcher=auto")
    assert statuses(folder) == ["FINISHED"] * 4
    err = capsys.readouterr().err
    assert "4 trials one by one: KeyError: 'no rule' (traceback in train.log of the sweep)" in err
    assert "Traceback" not in err and "Traceback" in (folder / "train.log").read_text()
    folder = sweep("hydra/launcher=stack", status=1)
    assert statuses(folder) == ["FAILED"] * 4
    assert "no stack: KeyError: 'no rule'" in capsys.readouterr().err
    assert json.loads((folder / "sweep.json").read_text())["status"] == "FAILED"


@pytest.mark.parametrize("launcher", ["auto", "stack"])
def test_a_reason_of_ours_means_one_by_one_under_every_launcher(
    launcher: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def cannot(*_: Any) -> Any:
        raise CannotStack("they are shy")

    monkeypatch.setattr(probe, "stack_of", cannot)
    assert statuses(sweep(f"hydra/launcher={launcher}")) == ["FINISHED"] * 4
    assert "4 trials one by one: they are shy\n" in capsys.readouterr().err


def test_probing_that_runs_out_of_memory_tries_half_with_the_first_gone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[weakref.ref[Any]] = []
    make, step = probe.stack_of, Stack.step

    def remembered(parts: Any) -> Any:
        assert not any(each() is not None for each in made)
        stack = make(parts)
        made.append(weakref.ref(stack))
        return stack

    def scarce(self: Any, batch: Any) -> Any:
        if len(self.tasks) > 2:
            raise exhausted()
        return step(self, batch)

    monkeypatch.setattr(probe, "stack_of", remembered)
    monkeypatch.setattr(Stack, "step", scarce)
    assert statuses(sweep("hydra/launcher=stack")) == ["FINISHED"] * 4
    assert len(made) == 4 and "4 trials as stacks of 2" in capsys.readouterr().err


@pytest.mark.parametrize("moment", ["epoch", "finish"])
def test_an_interrupt_leaves_the_same_statuses_in_every_record(moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if moment == "epoch":
        Scarce(monkeypatch, KeyboardInterrupt, epoch=2)
        expected = ["KILLED"] * 4
    else:
        finish, calls = stacked.finish, list[int]()

        def interrupted(*arguments: Any) -> Any:
            calls.append(1)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return finish(*arguments)

        monkeypatch.setattr(stacked, "finish", interrupted)
        expected = ["FINISHED", *["KILLED"] * 3]
    folder = sweep("hydra/launcher=stack", status=130)
    assert sorted(statuses(folder)) == expected
    whole = json.loads((folder / "sweep.json").read_text())
    assert whole["status"] == "KILLED" and whole["reason"] == "interrupted"


def test_sys_exit_in_a_stack_fails_no_trial_that_can_train_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    Scarce(monkeypatch, lambda: SystemExit(3), epoch=2)
    assert statuses(sweep("hydra/launcher=stack")) == ["FINISHED"] * 4
