"""Atomic writes: complete or not at all, with the user's file mode; symbolic links are not followed."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mlcli.files import passes_a_link, plain_files, read_plain, remove_parts, write_atomic


@pytest.fixture(params=[0o022, 0o077, 0o002])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_modes_follow_the_umask(tmp_path: Path, umask: int) -> None:
    write_atomic(tmp_path / "text", "é")
    write_atomic(tmp_path / "weights", lambda path: save_file({"a": torch.ones(3)}, path))
    (tmp_path / "plain").write_text("")
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o666 & ~umask}
    assert (tmp_path / "text").read_text(encoding="utf-8") == "é"


def test_a_failed_write_keeps_the_old_file_and_leaves_no_other(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", "old")

    def fail(path: Path) -> None:
        path.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "a", fail)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "old")]


def test_a_full_disk_leaves_no_file(tmp_path: Path) -> None:
    """The file size limit of a process fails like a full disk."""
    code = (
        "import sys; from pathlib import Path; from mlcli.files import write_atomic\n"
        "try:\n    write_atomic(Path(sys.argv[1]), b'x' * 100_000)\n"
        "except OSError as error:\n    print(error.errno)\n"
    )
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))  # noqa: E731
    command = [sys.executable, "-c", code, str(tmp_path / "a")]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, check=True)
    assert done.stdout == "27\n"  # EFBIG
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_not_created_again(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", "first", new=True)
    with pytest.raises(FileExistsError):
        write_atomic(tmp_path / "a", "second", new=True)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "first")]


def test_a_symbolic_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "private").write_text("mine")
    (tmp_path / "a").symlink_to("private")
    write_atomic(tmp_path / "a", "new")
    assert (tmp_path / "private").read_text() == "mine" and (tmp_path / "a").read_text() == "new"


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "large"])
def test_only_regular_files_are_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a"
    (tmp_path / "private").write_text("mine")
    make = {
        "link": lambda: path.symlink_to("private"),
        "pipe": lambda: os.mkfifo(path),
        "folder": path.mkdir,
        "large": lambda: path.write_text("x" * 101),
    }
    make[kind]()
    signal.alarm(10)
    with pytest.raises((ValueError, IsADirectoryError)):
        read_plain(path, 100)
    signal.alarm(0)


def test_symbolic_links_are_skipped_at_every_level(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "key").write_text("")
    folder = tmp_path / "run"
    (folder / "figures" / "deep").mkdir(parents=True)
    (folder / "figures" / "a.png").write_text("")
    (folder / "figures" / "deep" / "b.png").write_text("")
    (folder / "figures" / ".c.part").write_text("")
    (folder / "figures" / "key").symlink_to(tmp_path / "private" / "key")
    (folder / "figures" / "all").symlink_to(tmp_path / "private")
    (folder / "linked").symlink_to(tmp_path / "private")
    found = [str(path.relative_to(folder)) for path in plain_files(folder)]
    assert found == ["figures/a.png", "figures/deep/b.png"]
    assert list(plain_files(folder / "linked")) == []
    assert passes_a_link(folder / "linked" / "key", tmp_path)
    assert not passes_a_link(folder / "figures", tmp_path)


def test_unfinished_files_are_removed(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / ".weights.safetensors.123-4.part").write_text("")
    (tmp_path / "model" / "weights.safetensors").write_text("")
    remove_parts(tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["model", "weights.safetensors"]
