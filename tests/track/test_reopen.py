"""A run that goes on after its end was delivered: MLflow and TensorBoard have its journal row for row."""

import json
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from mlcli.config.errors import ConfigError
from mlcli.locks import lock
from mlcli.store.folder import RunFolder
from mlcli.store.process import current_process
from mlcli.track import reopen as reopening
from mlcli.track.delivery import LOCK
from mlcli.track.journal import Journal
from mlcli.track.reopen import delivered_elsewhere, reopen
from tests.track.couriers import run_courier

METRICS = {"train/loss": 0.5, "lr": 0.1}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    record = {
        "id": "a", "name": "a", "status": "RUNNING", "started": time.time(), "ended": None, "command": "mlcli train",
        "parent": None, "tracking": {"name": "mlflow", "experiment": "tests"}, **current_process(),
    }  # fmt: skip
    made = RunFolder.create(tmp_path / "outputs" / "runs" / "a", record)
    write(made, 0, [1, 2, 3])
    return made


def write(folder: RunFolder, checkpoint: int, epochs: list[int], change: float = 0.0) -> None:
    """The journal of a training that goes on from the epoch of a checkpoint and comes to these epochs."""
    with Journal(folder.path / "metrics.jsonl", checkpoint, folder.count_cut) as journal:
        for epoch in epochs:
            journal.write(epoch, epoch * 10, {name: value + epoch + change for name, value in METRICS.items()})


def lines(folder: RunFolder) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder.path / "metrics.jsonl").read_text().splitlines()]


def in_mlflow(folder: RunFolder) -> tuple[str, list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The status of the run, and the rows of its metrics: all of them, and the latest."""
    with sqlite3.connect(folder.path.parents[1] / "mlflow.db") as connection:
        ((status,),) = connection.execute("SELECT status FROM runs").fetchall()
        columns = "SELECT key, step, value, timestamp FROM"
        rows = [connection.execute(f"{columns} {table}").fetchall() for table in ("metrics", "latest_metrics")]
    connection.close()
    return status, *(sorted(each) for each in rows)


def expected(folder: RunFolder) -> list[tuple[Any, ...]]:
    return sorted(
        (name, line["epoch"], value, int(line["time"] * 1000))
        for line in lines(folder)
        for name, value in line["metrics"].items()
    )


def test_the_same_epochs_are_delivered_once(folder: RunFolder) -> None:
    folder.end("KILLED", "interrupted")
    run_courier(folder.path.parents[1], folder.path)
    assert in_mlflow(folder)[0] == "KILLED"
    reopen(folder.path)
    folder.begin_again()
    before = (folder.path / "metrics.jsonl").read_bytes()
    write(folder, 1, [2, 3, 4])
    assert (folder.path / "metrics.jsonl").read_bytes().startswith(before)
    folder.end("FINISHED")
    run_courier(folder.path.parents[1], folder.path)
    status, rows, latest = in_mlflow(folder)
    assert status == "FINISHED" and rows == expected(folder) and {row[1] for row in latest} == {4}
    assert len(lines(folder)) == 4 and "cuts" not in folder.record()


def test_epochs_that_differ_replace_those_of_before(folder: RunFolder) -> None:
    folder.end("KILLED", "interrupted")
    run_courier(folder.path.parents[1], folder.path)
    reopen(folder.path)
    folder.begin_again()
    write(folder, 1, [2], change=0.25)
    folder.end("FINISHED")
    assert [line["epoch"] for line in lines(folder)] == [1, 2] and folder.record()["cuts"] == 1
    run_courier(folder.path.parents[1], folder.path)
    status, rows, latest = in_mlflow(folder)
    assert status == "FINISHED" and rows == expected(folder) and {row[1] for row in latest} == {2}


def test_an_earlier_end_cuts_later_epochs(folder: RunFolder) -> None:
    with Journal(folder.path / "metrics.jsonl", 1, folder.count_cut) as journal:
        journal.end()
    assert [line["epoch"] for line in lines(folder)] == [1] and folder.record()["cuts"] == 1


def test_a_line_that_a_kill_cut_off_is_removed(folder: RunFolder) -> None:
    with (folder.path / "metrics.jsonl").open("ab") as file:
        file.write(b'{"epoch": 4, "st')
    write(folder, 3, [4])
    assert [line["epoch"] for line in lines(folder)] == [1, 2, 3, 4]


def test_the_run_is_running_in_mlflow_while_it_goes_on(folder: RunFolder) -> None:
    folder.end("KILLED", "interrupted")
    run_courier(folder.path.parents[1], folder.path)
    reopen(folder.path)
    folder.begin_again()
    run_courier(folder.path.parents[1], folder.path)
    assert in_mlflow(folder)[0] == "RUNNING"


def test_a_run_of_another_store_is_named(folder: RunFolder) -> None:
    assert delivered_elsewhere(folder.path, "") is None
    folder.end("KILLED")
    run_courier(folder.path.parents[1], folder.path)
    assert delivered_elsewhere(folder.path, "") is None
    assert delivered_elsewhere(folder.path, "http://server") == "the store under outputs"


def test_another_delivery_is_waited_for(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.end("KILLED")
    run_courier(folder.path.parents[1], folder.path)
    held = lock(folder.path / LOCK)
    assert held is not None
    monkeypatch.setattr(reopening, "PATIENCE", 0.2)
    with pytest.raises(ConfigError, match="another command is delivering a to its tracker"):
        reopen(folder.path)
    monkeypatch.setattr(reopening, "PATIENCE", 20.0)
    threading.Thread(target=lambda: (time.sleep(0.3), held.release())).start()
    assert reopen(folder.path) > 0
