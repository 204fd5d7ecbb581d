"""Which run a user means."""

import json
import os
import socket
from pathlib import Path

import pytest

from mlcli.config.errors import ConfigError
from mlcli.store.find import all_runs, find, find_run


def make(outputs: Path, where: str, name: str, started: float, **more: object) -> None:
    folder = outputs / where
    folder.mkdir(parents=True)
    identity = more.pop("id", folder.name)
    record = {"id": identity, "name": name, "status": "FINISHED", "started": started, "pid": os.getpid()}
    record |= {"host": socket.gethostname(), "parent": None, "command": "mlcli train"} | more
    file = "sweep.json" if more.get("kind") == "sweep" else "run.json"
    (folder / file).write_text(json.dumps(record))


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    make(tmp_path, "runs/20260101-000000-aaaa1111", "lstm-digits", 1.0)
    make(tmp_path, "runs/20260101-000001-aabb2222", "mlp-digits", 2.0)
    make(tmp_path, "runs/20260102-000000-cccc3333", "lstm-digits", 3.0)
    sweep = "20260103-000000-dddd4444"
    make(tmp_path, f"sweeps/{sweep}", "rates", 4.0, kind="sweep", best_trial=1)
    for trial in (0, 1):
        make(tmp_path, f"sweeps/{sweep}/{trial}", f"lr={trial}", 5.0 + trial, id=f"{sweep}-{trial}", parent=sweep)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20260101-000001-aabb2222", "20260101-000001-aabb2222"),
        ("20260102", "20260102-000000-cccc3333"),
        ("aaaa", "20260101-000000-aaaa1111"),
        ("mlp-digits", "20260101-000001-aabb2222"),
        ("lstm-digits", "20260102-000000-cccc3333"),  # the newest of its name
        ("last", "20260103-000000-dddd4444"),  # a trial belongs to its sweep
        ("dddd4444", "20260103-000000-dddd4444"),
        ("dddd4444-0", "20260103-000000-dddd4444-0"),
    ],
)
def test_names_and_prefixes(outputs: Path, text: str, expected: str) -> None:
    assert find(text, outputs).id == expected


def test_a_folder(outputs: Path) -> None:
    assert find(str(outputs / "runs" / "20260102-000000-cccc3333"), outputs).record["name"] == "lstm-digits"


def test_a_sweep_stands_for_its_best_trial(outputs: Path) -> None:
    assert find_run("rates", outputs).record["name"] == "lr=1"


@pytest.mark.parametrize(
    ("text", "words"),
    [("aa", "fits several"), ("20260101", "fits several"), ("mlp-digit", "Did you mean mlp-digits?")],
)
def test_what_cannot_be_told(outputs: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        find(text, outputs)
    assert words in str(error.value)


def test_newest_first(outputs: Path) -> None:
    started = [run.record["started"] for run in all_runs(outputs)]
    assert started == sorted(started, reverse=True)
    assert len(started) == 6


def test_a_run_whose_process_is_gone_was_killed(tmp_path: Path) -> None:
    make(tmp_path, "runs/20260101-000000-aaaa1111", "x", 1.0, status="RUNNING", pid=2**22 + 1)
    assert find("last", tmp_path).status == "KILLED"
