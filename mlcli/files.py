"""Atomic writes, and reads of untrusted folders that do not follow links."""

import csv
import itertools
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from mlcli.system import open_descriptor, replace, sync

PART = ".part"
_numbers = itertools.count()


def write_atomic(
    path: Path, content: "str | bytes | Callable[[Path], object]", new: bool = False, durable: bool = False
) -> Path:
    """Writes a file atomically: readers never see a part of it, and a failure leaves nothing behind.

    content: text (UTF-8), bytes, or a function that writes to the path it is called with. The mode follows the umask.
    new: raises FileExistsError if the file exists. durable: syncs the file and its folder to the disk.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}-{next(_numbers)}{PART}")
    try:
        with os.fdopen(_create(part), "wb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if not callable(content):
                file.write(content.encode() if isinstance(content, str) else content)
        if callable(content):
            content(part)
            if stat.S_IMODE(part.stat().st_mode) != mode:  # safetensors ignores the umask
                part.chmod(mode)
        if durable:
            sync(part)
        if new:
            _move_new(part, path)
        else:
            replace(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    if durable:
        sync(path.parent)
    return path


def _create(part: Path) -> int:
    """A file descriptor of a new file, for writing. An existing one is removed: a leftover of a process with the same
    id, or a planted link."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with suppress(FileExistsError):
        return open_descriptor(part, flags)
    part.unlink()
    return open_descriptor(part, flags)


def write_csv(path: Path, rows: "Iterable[Iterable[Any]]") -> Path:
    """Writes rows, the names of the columns first, atomically."""

    def write(part: Path) -> None:
        with part.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)

    return write_atomic(path, write)


def _move_new(part: Path, path: Path) -> None:
    try:
        path.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        with path.open("xb") as file:
            file.write(part.read_bytes())
    part.unlink()


def overwrite(path: Path, content: bytes) -> None:
    """Overwrites a file in place: for a full disk, which has no space for a second file."""
    with os.fdopen(open_descriptor(path, os.O_WRONLY), "wb", buffering=0) as file:
        file.write(content)
        file.truncate()


def read_plain(path: Path, most: int) -> bytes:
    """The content of a regular file. Raises OSError, and ValueError for links, other kinds of files, and files larger
    than `most` bytes."""
    with open_plain(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"larger than {most:,} bytes")
    return content


def open_plain(path: Path) -> BinaryIO:
    """Opens a regular file for reading. Raises OSError, and ValueError for links and for other kinds of files, such
    as pipes, which would block."""
    try:
        handle = open_descriptor(path, os.O_RDONLY)
    except OSError as error:
        if path.is_symlink():
            raise ValueError("a link, which is not followed") from error
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ValueError("not a file")
    return os.fdopen(handle, "rb")


def plain_files(folder: Path) -> Iterator[Path]:
    """The regular files below a folder, sorted, without hidden ones; links to files and folders are not followed."""
    if folder.is_symlink() or not folder.is_dir():
        return
    for entry in sorted(os.scandir(folder), key=lambda each: each.name):
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from plain_files(Path(entry.path))
        elif entry.is_file(follow_symlinks=False):
            yield Path(entry.path)


def passes_a_link(path: Path, root: Path) -> bool:
    """Whether the path or a folder between it and `root` is a link; outside of `root`, whether the path is."""
    chain = [path, *path.parents]
    below = chain[: chain.index(root)] if root in chain else [path]
    return any(each.is_symlink() for each in below)


def remove_parts(folder: Path) -> None:
    """Removes unfinished files that a killed process left below a folder, to which no process may be writing."""
    for path in folder.rglob(f".*{PART}"):
        with suppress(OSError):
            path.unlink()
