"""Trials in separate processes: a failing process does not affect the others."""

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from mlcli.cli.training import main

QUICK = ["tracking=none", "data=iris", "model=mlp", "model.width=8", "device=cpu", "-q", "tracking.figures=false"]


def _at_work(number: int, seconds: float = 60) -> dict[str, Any]:
    """The record of a trial, once it has trained for an epoch."""
    until = time.time() + seconds
    while time.time() < until:
        for journal in Path("outputs/sweeps").glob(f"*/{number}/metrics.jsonl"):
            return dict(json.loads((journal.parent / "run.json").read_text()))
        time.sleep(0.05)
    raise TimeoutError(f"trial {number} did not begin")


def test_a_killed_worker_fails_its_own_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Trial 0 continues, and later trials get another process."""
    monkeypatch.chdir(tmp_path)
    killer = threading.Thread(target=lambda: os.kill(_at_work(1)["pid"], signal.SIGKILL))
    killer.start()
    with pytest.raises(SystemExit) as end:
        main(["-m", *QUICK, "hydra/launcher=processes", "trainer.epochs=400,1000000,1,2"])
    killer.join()
    assert end.value.code == 1
    (folder,) = Path("outputs/sweeps").iterdir()
    records = [json.loads((folder / number / "run.json").read_text()) for number in "0123"]
    assert [record["status"] for record in records] == ["FINISHED", "FAILED", "FINISHED", "FINISHED"]
    assert records[1]["reason"] == "its process was killed by SIGKILL, perhaps because memory ran out"
    assert "trial 1 (epochs=1000000) failed: its process was killed by SIGKILL" in capsys.readouterr().err
    assert json.loads((folder / "sweep.json").read_text())["status"] == "FINISHED"
    rows = json.loads((folder / "trials.json").read_text())["trials"]
    assert [row["status"] for row in rows] == [record["status"] for record in records]


def test_an_interrupt_ends_the_workers_and_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    killer = threading.Thread(target=lambda: (_at_work(0), os.kill(os.getpid(), signal.SIGINT)))
    killer.start()
    with pytest.raises(SystemExit) as end:
        main(["-m", *QUICK, "hydra/launcher=processes", "trainer.epochs=1000000,2000000"])
    killer.join()
    assert end.value.code == 130
    (folder,) = Path("outputs/sweeps").iterdir()
    record = json.loads((folder / "0" / "run.json").read_text())
    assert record["status"] == "KILLED" and record["reason"] == "interrupted"
    with pytest.raises(ProcessLookupError):
        os.kill(record["pid"], 0)
    assert json.loads((folder / "sweep.json").read_text())["status"] == "KILLED"
    assert json.loads((folder / "trials.json").read_text())["trials"][0]["status"] == "KILLED"
