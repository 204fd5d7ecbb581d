"""Whether the process of a run still lives: by its lock, else by its id, its start and the boot of its machine."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlcli.store.folder import RunFolder
from mlcli.store.process import LOCK, boot_id, current_process, is_alive, start_time
from mlcli.store.status import mark_dead

pytestmark = pytest.mark.skipif(boot_id() is None, reason="looks into Linux's /proc")
GONE = 2**22 + 1  # no process has such an id


def record(**more: Any) -> dict[str, Any]:
    return {"status": "RUNNING", "parent": None, **current_process(), **more}


@pytest.mark.parametrize(
    ("of", "alive"),
    [
        ({}, True),
        ({"pid": GONE}, False),
        ({"process_started": 1}, False),  # the id is somebody else's by now
        ({"boot": "another"}, False),  # this machine, before it was started anew
        ({"boot": "another", "host": "elsewhere"}, None),
        ({"host": "a1b2c3", "process_started": 1}, False),  # a container on this machine
        ({"host": "a1b2c3"}, True),
        ({"boot": None, "process_started": None}, True),  # of an earlier version: the id is all there is
        ({"boot": None, "process_started": None, "pid": GONE}, False),
        ({"boot": None, "process_started": None, "host": "elsewhere"}, None),
    ],
)
def test_without_a_lock(tmp_path: Path, of: dict[str, Any], alive: bool | None) -> None:
    assert is_alive(record(**of), tmp_path) is alive


def test_the_start_of_a_process_is_its_own() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        mine, its = start_time(os.getpid()), start_time(child.pid)
    assert mine is not None and its is not None and its > mine
    assert start_time(GONE) is None


TRAINS = (
    "import sys; from pathlib import Path; from mlcli.store.folder import RunFolder\n"
    "from mlcli.store.process import current_process\n"
    "record = {'id': 'a', 'name': 'a', 'status': 'RUNNING', 'started': 1.0, 'command': '', 'parent': None}\n"
    "folder = RunFolder.create(Path(sys.argv[1]), record | current_process() | {'host': 'a1b2c3', 'pid': 1})\n"
    "(folder.path / '.weights.safetensors.1-2.part').write_text('half')\n"
    "print('trains', flush=True); input(); folder.end('FINISHED')\n"
)


def test_the_lock_decides_whatever_container_the_process_was_in(tmp_path: Path) -> None:
    """Of another host's name, with an id that is some other process's here."""
    with subprocess.Popen(
        [sys.executable, "-c", TRAINS, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None and child.stdout.readline() == b"trains\n"
        folder = RunFolder(tmp_path)
        assert is_alive(folder.record(), tmp_path) is True
        trial = tmp_path / "0"
        trial.mkdir()
        assert is_alive(record(parent="a", process_started=1), trial) is True
        mark_dead(tmp_path)
        assert folder.record()["status"] == "RUNNING"
        child.send_signal(signal.SIGKILL)
    assert is_alive(folder.record(), tmp_path) is False
    assert is_alive(record(parent="a"), trial) is False
    mark_dead(tmp_path)
    assert folder.record()["status"] == "KILLED"
    assert {path.name for path in tmp_path.iterdir()} == {"run.json", "0"}


def test_a_run_that_has_ended_leaves_no_lock(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "a", record())
    assert (folder.path / LOCK).exists()
    folder.end("FINISHED")
    assert not (folder.path / LOCK).exists()
    trial = RunFolder.create(tmp_path / "a" / "0", record(parent="a"))
    assert not (trial.path / LOCK).exists()


def test_another_machine_is_named(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from mlcli.cli.app import app

    more = {"id": "a", "name": "a", "started": 1.7e9, "command": "mlcli train", "boot": "another", "host": "node7"}
    RunFolder.create(tmp_path / "runs" / "a", record(**more)).path.joinpath(LOCK).unlink()
    shown = CliRunner().invoke(app, ["runs", "--outputs", str(tmp_path)]).stdout
    assert "RUNNING on node7" in shown
    assert "RUNNING on node7" in CliRunner().invoke(app, ["show", "a", "--outputs", str(tmp_path)]).stdout
    assert socket.gethostname() != "node7"
