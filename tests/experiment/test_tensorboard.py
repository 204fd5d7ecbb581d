import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlcli import writers
from mlcli.experiment import tensorboard


def test_the_reader_finds_every_epoch(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mlcli", "train", "-q", "experiment=tensorboard", "trainer.epochs=3"]
    done = subprocess.run(
        [*command, "tracking=tensorboard"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert "finds 3 of 3 epochs" in done.stdout


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder whose journal has 7 bytes, of which none is in the event files."""
    (tmp_path / "metrics.jsonl").write_bytes(b"1234567")
    (tmp_path / ".tensorboard.json").write_text(json.dumps({"offset": 0}), encoding="utf-8")
    return tmp_path


def started(run: Path, code: str, monkeypatch: pytest.MonkeyPatch) -> "subprocess.Popen[str]":
    process = subprocess.Popen([sys.executable, "-c", code, str(run / ".tensorboard.json")], text=True)
    monkeypatch.setattr(writers, "_processes", [process])
    return process


def test_a_slow_writer_is_waited_for(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much time passes by the clock."""
    hours = iter(range(10**6))
    monkeypatch.setattr(time, "monotonic", lambda: 3600.0 * next(hours))
    code = "import sys, time, pathlib; time.sleep(0.5); pathlib.Path(sys.argv[1]).write_text('{\"offset\": 7}')"
    process = started(run, code, monkeypatch)
    tensorboard._await_courier(run)
    process.wait()


def test_a_writer_that_has_ended_is_not_waited_for(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = started(run, "", monkeypatch)
    with pytest.raises(RuntimeError, match="are not complete, and their writer has ended"):
        tensorboard._await_courier(run)
    process.wait()
