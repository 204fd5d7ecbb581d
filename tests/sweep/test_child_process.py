"""Child processes: none is left when their parent has ended."""

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

SWEEP = ["-m", "model=mlp", "model.width=16", "trainer.epochs=100000", "optimizer.lr=0.001,0.002,0.003"]
MARK = "MLCLI_TEST_MARK"


def start(strategy: str, mark: str, folder: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "mlcli", "train", *SWEEP, f"hydra/launcher={strategy}"]
    env = os.environ | {MARK: mark}
    with (folder / "stderr").open("w") as errors:  # a file: a pipe would end with the last helper
        return subprocess.Popen(command, cwd=folder, env=env, stderr=errors, start_new_session=True)


def marked(mark: str) -> dict[int, str]:
    """Ids of processes with this mark in their environment."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            state = (path / "stat").read_text().rpartition(")")[2].split()[0]
            if mark.encode() in (path / "environ").read_bytes() and state != "Z":
                found[int(path.name)] = (path / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
    return found


def wait_until_it_trains(folder: Path, trials: int) -> None:
    deadline = time.monotonic() + 60
    while len(list(folder.glob("outputs/sweeps/*/*/metrics.jsonl"))) < trials and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.5)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="counts processes in /proc")
@pytest.mark.parametrize(("strategy", "trains_at_once"), [("serial", 1), ("stack", 3), ("processes", 2)])
def test_no_process_is_left_after_a_kill(strategy: str, trains_at_once: int, tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    with start(strategy, mark, tmp_path) as sweep:
        wait_until_it_trains(tmp_path, trains_at_once)
        assert len(marked(mark)) > 2  # itself, the courier, and helpers
        sweep.kill()
    deadline = time.monotonic() + 20  # which the courier may need to deliver
    while marked(mark) and time.monotonic() < deadline:
        time.sleep(0.2)
    left = marked(mark)
    for process in left:
        os.kill(process, signal.SIGKILL)
    assert not left


@pytest.mark.parametrize("seconds", [0.4, 0.8, 1.2])
def test_an_early_interrupt_prints_one_line(seconds: float, tmp_path: Path) -> None:
    """Sends the signal to the whole process group, like Ctrl-C in a terminal."""
    mark = uuid.uuid4().hex
    with start("processes", mark, tmp_path) as sweep:
        time.sleep(seconds)
        os.killpg(sweep.pid, signal.SIGINT)
        sweep.wait(60)
    said = (tmp_path / "stderr").read_text()
    assert "Traceback" not in said and "Error" not in said
