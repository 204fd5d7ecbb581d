"""Disks that are full: one line, the status is kept, and nothing half-written is left."""

import errno
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError

from mlcli.cli.errors import user_errors
from mlcli.cli.training import main
from mlcli.run.failure import first_line, is_disk_full
from mlcli.store import records as records_module
from mlcli.store.folder import RunFolder
from mlcli.store.process import current_process

QUICK = [
    "tracking=none",
    "data=iris",
    "model=mlp",
    "model.width=64",
    "model.depth=3",
    "trainer.epochs=2",
    "device=cpu",
]
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def fails(*arguments: Any, **named: Any) -> None:
    raise FULL


@pytest.fixture
def full_disk(small_disk: Callable[[str], Path]) -> Path:
    """A file system with room for a run's first files and not for its weights."""
    return small_disk("48k")


@pytest.mark.parametrize("sweep", [[], ["-m", "optimizer.lr=0.1,0.2", "hydra/launcher=stack"]], ids=["run", "stack"])
def test_a_full_disk_is_one_line(
    full_disk: Path, mlcli: Callable[..., subprocess.CompletedProcess[str]], sweep: list[str]
) -> None:
    done = mlcli("train", *QUICK, *sweep, f"outputs={full_disk}", "-q", cwd=full_disk.parent)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("failed: no space is left on the disk")
    records = [json.loads(path.read_text()) for path in full_disk.rglob("run.json")]
    assert records and all(record["status"] == "FAILED" for record in records)
    assert all(record["reason"] == "no space is left on the disk" for record in records)
    assert not list(full_disk.rglob(".*.part")) and not list(full_disk.rglob(".running.lock"))


def test_a_disk_that_fills_while_a_run_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mlcli.store.weights.write_atomic", fails)
    with pytest.raises(SystemExit) as end:
        main([*QUICK, "-q"])
    assert end.value.code == 1
    (folder,) = Path("outputs/runs").iterdir()
    said = capsys.readouterr().err
    resumed = f"once there is space, `mlcli resume {folder.name}` continues the run"
    assert said == f"failed: no space is left on the disk; see {folder.absolute()}; {resumed}\n"
    assert json.loads((folder / "run.json").read_text())["status"] == "FAILED"


def test_out_of_memory_names_the_batch_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mlcli.track.journal.Journal.write", fails)
    with pytest.raises(SystemExit) as end:
        main([*QUICK, "-q", "trainer.batch_size=64"])
    said = capsys.readouterr().err
    assert end.value.code == 1 and said.count("\n") == 1
    assert "CUDA out of memory with trainer.batch_size=64: use trainer.accumulate=4" in said


def test_the_reason_comes_before_the_last_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mlcli.run.build.save_weights", fails)
    with pytest.raises(SystemExit):
        main([*QUICK, "-q", "optimizer=sgd", "optimizer.lr=1e30"])
    (folder,) = Path("outputs/runs").iterdir()
    assert json.loads((folder / "run.json").read_text())["reason"].startswith("loss is")


def test_a_status_is_kept_where_there_is_no_room_for_a_second_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder.create(tmp_path / "a", {"status": "RUNNING", "parent": None, **current_process()})
    monkeypatch.setattr(records_module, "write_atomic", fails)
    folder.end("FAILED", "no space")
    assert folder.record()["status"] == "FAILED" and folder.record()["reason"] == "no space"


def test_any_command_says_so_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end, user_errors():
        raise FULL
    assert end.value.code == 1 and capsys.readouterr().err == "failed: no space is left on the disk\n"
    with pytest.raises(PermissionError), user_errors():
        raise PermissionError(errno.EACCES, "no")


def test_what_a_full_disk_is() -> None:
    told = SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")
    assert is_disk_full(told) and is_disk_full(OSError(errno.EFBIG, "too large"))
    assert not is_disk_full(SafetensorError("Error while deserializing header")) and not is_disk_full(None)
    try:
        try:
            raise FULL
        except OSError:
            raise RuntimeError("plot") from None
    except RuntimeError as error:
        assert first_line(error) == "no space is left on the disk"
