"""Ctrl-C and SIGTERM in a sweep."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mlcli.cli.app import app
from mlcli.cli.interrupted_sweep import table_on_interrupt
from mlcli.sweep.session import Session
from mlcli.track.sweep_console import SweepConsole
from tests import commands

QUICK = ["tracking=none", "data=iris", "model.width=8", "trainer.epochs=4", "device=cpu", "tracking.figures=false"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    _reset_handlers()  # an interrupted command leaves its own in this process
    yield
    _reset_handlers()


def _reset_handlers() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def interrupt_at(monkeypatch: pytest.MonkeyPatch, number: signal.Signals, epoch: int) -> None:
    """Sends the signal when trial 3 has ended this epoch."""
    original = SweepConsole.epoch

    def interrupting(self: SweepConsole, trial: int, name: str, at: int, metrics: Any) -> None:
        original(self, trial, name, at, metrics)
        if trial == 3 and at == epoch:
            signal.raise_signal(number)

    monkeypatch.setattr(SweepConsole, "epoch", interrupting)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_table_so_far_and_the_command_that_shows_it(
    number: signal.Signals, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of three stacks of two trials one has finished and one trains."""
    interrupt_at(monkeypatch, number, 2)
    grid = ["model=mlp", "model.depth=1,2,3", "optimizer.lr=1e-2,1e-3", "hydra/launcher=stack"]
    folder = commands.sweep([*QUICK, *grid], status)
    rows = json.loads((folder / "trials.json").read_text())["trials"]
    assert [row["status"] for row in rows] == ["FINISHED"] * 2 + ["KILLED"] * 2 + ["WAITING"] * 2
    assert [row["epoch"] for row in rows] == [4, 4, 2, 2, None, None]
    assert rows[3]["metrics"]["val/loss"] > 0 and [row["rank"] for row in rows[2:]] == [None] * 4
    assert json.loads((folder / "sweep.json").read_text())["status"] == "KILLED"
    printed = capsys.readouterr().out
    assert printed.count("KILLED at epoch 2") == 2 and printed.count("WAITING") == 2 and printed.count("*1") == 1
    last = printed.splitlines()[-1]
    assert last == f"show this table again with `mlcli show {folder.absolute()}`"
    shown = CliRunner().invoke(app, ["show", str(folder)]).stdout
    assert shown.count("KILLED at epoch 2") == 2 and shown.count("WAITING") == 2


def test_trials_that_train_one_by_one_are_shown_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupt_at(monkeypatch, signal.SIGINT, 4)
    grid = ["model=mlp", "optimizer.lr=1e-2,1e-3,1e-4,1e-5,1e-6", "hydra/launcher=serial"]
    folder = commands.sweep([*QUICK, *grid], 130)
    rows = json.loads((folder / "trials.json").read_text())["trials"]
    assert [row["status"] for row in rows] == ["FINISHED"] * 3 + ["KILLED", "WAITING"]
    assert "5 trials by val/loss" in capsys.readouterr().out


def test_a_second_interrupt_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    class Sweep:
        record = None

        def abort(self) -> None:
            calls.append("abort")

    monkeypatch.setattr(os, "_exit", calls.append)
    session = Session("mlcli train -m")
    session.sweep = Sweep()
    with pytest.raises(KeyboardInterrupt), table_on_interrupt(session):
        signal.raise_signal(signal.SIGINT)
    assert calls == []
    signal.raise_signal(signal.SIGINT)  # while trackers are completed
    assert calls == ["abort", 130]


def test_an_ignored_signal_stays_ignored() -> None:
    """As in a background job of a shell script."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with table_on_interrupt(Session("mlcli train -m")):
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
