"""The cache survives what happens to caches: many writers, and files that were damaged."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlcli.config.cache_dir import cache_folder
from mlcli.loading.cache import cached

WRITER = """
import numpy as np
from mlcli.loading.cache import cached
arrays = cached("shared", lambda: {"a": np.arange(200_000)})
assert (arrays["a"] == np.arange(200_000)).all()
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLCLI_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_where_it_is(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder() == folder
    monkeypatch.delenv("MLCLI_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "mlcli"


def test_many_processes_at_once_leave_one_whole_file(folder: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER]) for _ in range(4)]
    assert [writer.wait(timeout=60) for writer in writers] == [0] * 4
    assert [path.name for path in folder.iterdir()] == ["shared.npz"]
    with np.load(folder / "shared.npz") as stored:
        assert stored["a"][-1] == 199_999


@pytest.mark.parametrize("damage", [b"", b"PK broken", b"not an archive"])
def test_a_damaged_file_is_written_anew(folder: Path, damage: bytes) -> None:
    folder.mkdir()
    (folder / "x.npz").write_bytes(damage)
    assert cached("x", lambda: {"a": np.arange(3)})["a"].tolist() == [0, 1, 2]
    assert cached("x", lambda: pytest.fail("parsed again"))["a"].tolist() == [0, 1, 2]
