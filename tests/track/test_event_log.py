"""TensorBoard's event files, read back by TensorBoard's own reader."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlcli.track.event_log import EventLog

MLCLI = [sys.executable, "-m", "mlcli", "train", "-q", "data=iris", "model=linear", "trainer.epochs=3"]


def read(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    return accumulator


def scalars(folder: Path, name: str) -> dict[int, float]:
    return {each.step: each.value for each in read(folder).Scalars(name)}


def journal(folder: Path) -> dict[int, float]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return {line["epoch"]: line["metrics"]["val/loss"] for line in lines}


def test_a_run_is_all_there(tmp_path: Path) -> None:
    done = subprocess.run([*MLCLI, "tracking=tensorboard"], cwd=tmp_path, check=True, capture_output=True, text=True)
    (folder,) = (tmp_path / "outputs" / "runs").iterdir()
    assert "tensorboard --logdir outputs/runs" in done.stdout
    assert not (tmp_path / "outputs" / "mlflow.db").exists()
    events = folder / "tensorboard"
    assert scalars(events, "val/loss") == pytest.approx(journal(folder))
    result = json.loads((folder / "result.json").read_text())
    assert scalars(events, "test/accuracy") == pytest.approx(
        {result["best_epoch"]: result["metrics"]["test/accuracy"]}
    )
    tags = read(events).Tags()
    assert "figures/confusion_matrix" in tags["images"] and "_hparams_/session_start_info" in tags["tensors"]


def test_both_trackers_get_every_trial_of_a_sweep(tmp_path: Path) -> None:
    command = [*MLCLI, "-m", "tracking=both", "optimizer.lr=0.01,0.1"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{tmp_path}/outputs/mlflow.db")
    tracked = client.search_runs([client.get_experiment_by_name("mlcli").experiment_id])
    assert len(tracked) == 3
    for run in tracked:
        folder = Path(run.data.tags["mlcli.folder"])
        if "mlflow.parentRunId" in run.data.tags:
            assert scalars(folder / "tensorboard", "val/loss") == pytest.approx(journal(folder))


def test_what_a_kill_left_over_is_written_later_and_once(tmp_path: Path) -> None:
    record = {
        "id": "a", "name": "a", "status": "RUNNING", "started": 1.0, "command": "mlcli train", "host": "here",
        "pid": os.getpid(), "tracking": {"name": "tensorboard", "experiment": "mlcli"},
    }  # fmt: skip
    (tmp_path / "run.json").write_text(json.dumps(record))
    lines = [json.dumps({"epoch": e, "step": e, "time": 1.0, "metrics": {"val/loss": 1.0 / e}}) for e in (1, 2, 3)]
    (tmp_path / "metrics.jsonl").write_text(f"{lines[0]}\n{lines[1][:9]}")
    first = EventLog(tmp_path)
    assert first.acquire() and not EventLog(tmp_path).acquire()
    first.advance()
    first.release()
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "run.json").write_text(json.dumps(record | {"status": "KILLED", "ended": 2.0}))
    second = EventLog(tmp_path)
    assert second.acquire()
    second.advance()
    second.release()
    assert scalars(tmp_path / "tensorboard", "val/loss") == pytest.approx({1: 1.0, 2: 0.5, 3: 1 / 3})
    assert not EventLog(tmp_path).is_pending()
