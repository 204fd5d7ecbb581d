"""`mlcli logs`: the logs of runs, trials and sweeps."""

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlcli.cli.app import main
from mlcli.store import train_log

SWEEP = "20260103-000000-dddd4444"
Logs = Callable[..., tuple[int, str, str]]


def make(folder: Path, log: str | bytes | None, **more: Any) -> Path:
    folder.mkdir(parents=True)
    record = {"id": folder.name, "name": "mlp-iris", "status": "FINISHED", "started": 1.0, "ended": 2.0, "pid": 1}
    record |= {"host": socket.gethostname(), "parent": None, "command": "mlcli train"}
    (folder / ("sweep.json" if more.get("kind") == "sweep" else "run.json")).write_text(json.dumps(record | more))
    if log is not None:
        (folder / "train.log").write_bytes(log.encode() if isinstance(log, str) else log)
    return folder


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "outputs" / "runs"


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Logs:
    """Runs `mlcli logs …`; returns its exit status, stdout and stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mlcli", "logs", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return int(end.value.code or 0), printed.out, printed.err

    return run


def test_all_of_it_or_its_end(runs: Path, logs: Logs) -> None:
    make(runs / "a1", "one\ntwo\nthree\n")
    assert logs() == (0, "one\ntwo\nthree\n", "")
    for count, wanted in (
        (0, ""),
        (1, "three\n"),
        (2, "two\nthree\n"),
        (3, "one\ntwo\nthree\n"),
        (9, "one\ntwo\nthree\n"),
    ):
        assert logs("a1", "-n", str(count))[1] == wanted
    (runs / "a1" / "train.log").write_text("one\n\ntwo")  # as it is being written
    assert logs("a1", "--lines", "1")[1] == "two"
    assert logs("a1", "--lines", "2")[1] == "\ntwo"


def test_the_end_of_a_large_log_is_found_across_blocks(
    runs: Path, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_log, "PART", 7)
    text = "".join(f"line {number} é\n" for number in range(100))
    make(runs / "a1", text)
    for count in (1, 2, 50, 99, 100):
        assert logs("a1", "-n", str(count))[1] == "".join(text.splitlines(keepends=True)[-count:])


def test_a_log_cannot_control_the_terminal(runs: Path, logs: Logs) -> None:
    make(runs / "a1", b"red \x1b[31m\x07 \xff\ttab\r\nnext \xe2\x80\xae\n")
    assert logs("a1")[1] == "red \\x1b[31m\\x07 \ufffd\ttab\nnext \\u202e\n"


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_only_a_plain_file_is_read(runs: Path, logs: Logs, tmp_path: Path, kind: str) -> None:
    path = make(runs / "a1", None) / "train.log"
    (tmp_path / "secret").write_text("secret")
    {"link": lambda: path.symlink_to(tmp_path / "secret"), "pipe": lambda: os.mkfifo(path), "folder": path.mkdir}[
        kind
    ]()
    status, printed, error = logs("a1")
    assert status == 2 and printed == "" and "train.log cannot be read: " in error


def test_a_run_without_a_log_says_why(runs: Path, logs: Logs) -> None:
    make(runs / "a1", None, status="FAILED", reason="loss is nan")
    nothing = "a1 has logged nothing: no warning, and no traceback; it is FAILED: loss is nan\n"
    assert logs("a1") == (0, "", nothing)
    assert logs("zz")[0] == 2


def test_a_sweep_includes_its_trials_and_a_trial_has_the_sweeps(runs: Path, logs: Logs) -> None:
    sweep = make(runs.parent / "sweeps" / SWEEP, "of the stack\n", kind="sweep")
    for trial in (0, 2, 10):
        make(sweep / str(trial), f"of {trial}\n" if trial else None, id=f"{SWEEP}-{trial}", parent=SWEEP)
    heads = [f"==> {SWEEP}{name}/train.log <==\n" for name in ("", "/2", "/10")]
    wanted = f"{heads[0]}of the stack\n\n{heads[1]}of 2\n\n{heads[2]}of 10\n"
    assert logs(SWEEP)[1] == wanted
    assert logs(f"{SWEEP}-10")[1] == "of 10\n"
    assert logs(f"{SWEEP}-0")[1].endswith("of the stack\n")


def test_following_ends_with_the_run(runs: Path, logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_log, "POLL", 0.01)
    folder = make(runs / "a1", None, status="RUNNING", pid=os.getpid(), ended=None)
    record = json.loads((folder / "run.json").read_text())

    def go_on() -> None:
        for number in range(3):
            with (folder / "train.log").open("a") as file:
                file.write(f"line {number}\n")
            time.sleep(0.05)
        (folder / "run.json").write_text(json.dumps(record | {"status": "FINISHED"}))

    thread = threading.Thread(target=go_on)
    thread.start()
    assert logs("a1", "--follow") == (0, "line 0\nline 1\nline 2\n", "")
    thread.join()
    assert logs("a1", "-f", "-n", "1") == (0, "line 2\n", "")
