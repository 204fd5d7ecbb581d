"""Locks between processes: held by one, released by the end of the process, never through a link."""

import subprocess
import sys
from pathlib import Path

import pytest

from mlcli.locks import is_locked, lock, try_lock

HOLDS = (
    "import sys; from pathlib import Path; from mlcli.locks import lock\n"
    "held = lock(Path(sys.argv[1])); print(held is not None, flush=True); input()\n"
)


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert is_locked(path) is None and not path.exists()
    command = [sys.executable, "-c", HOLDS, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"True\n"
        assert is_locked(path) is True
        assert lock(path) is None and try_lock(path) is None
        other.kill()
    assert is_locked(path) is False
    held = lock(path)
    assert held is not None and is_locked(path) is True
    held.release()
    assert is_locked(path) is False


def test_a_link_is_not_locked(tmp_path: Path) -> None:
    (tmp_path / "private").write_text("mine")
    path = tmp_path / "lock"
    path.symlink_to("private")
    with pytest.raises(OSError, match="symbolic links"):
        lock(path)
    assert try_lock(path) is None and is_locked(path) is None
    assert (tmp_path / "private").read_text() == "mine"


def test_a_lock_in_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        lock(tmp_path / "missing" / "lock")
    assert try_lock(tmp_path / "missing" / "lock") is None and not (tmp_path / "missing").exists()
