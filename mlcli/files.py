"""Files that are written whole or not at all, and files of somebody else's folder that are read without following
links. Imports nothing of mlcli."""

import csv
import itertools
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

PART = ".part"
_numbers = itertools.count()


def write_atomic(
    path: Path, content: "str | bytes | Callable[[Path], object]", new: bool = False, durable: bool = False
) -> Path:
    """Writes the file whole or not at all: a reader never meets half of it, and a failure leaves nothing behind.

    content: text (UTF-8), bytes, or a function that writes to the path that it is given. The mode follows the umask.
    new: raises FileExistsError where there is one. durable: it is on the disk before this returns.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}-{next(_numbers)}{PART}")
    try:
        with os.fdopen(_create(part), "wb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if not callable(content):
                file.write(content.encode() if isinstance(content, str) else content)
        if callable(content):
            content(part)
            if stat.S_IMODE(part.stat().st_mode) != mode:  # safetensors makes files that nobody else can read
                part.chmod(mode)
        if durable:
            sync(part)
        if new:
            _move_new(part, path)
        else:
            part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    if durable:
        sync(path.parent)
    return path


def _create(part: Path) -> int:
    """A descriptor of a new file, for writing. What is there was left by a process that had this id, or is a link
    that somebody put there."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        return os.open(part, flags, 0o666)
    except FileExistsError:
        part.unlink()
        return os.open(part, flags, 0o666)


def write_csv(path: Path, rows: "Iterable[Iterable[Any]]") -> Path:
    """Writes rows, the names of the columns first, whole or not at all."""

    def write(part: Path) -> None:
        with part.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)

    return write_atomic(path, write)


def _move_new(part: Path, path: Path) -> None:
    try:
        path.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        with path.open("xb") as file:
            file.write(part.read_bytes())
    part.unlink()


def sync(path: Path) -> None:
    """Waits until a file, or which files a folder has, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def overwrite(path: Path, content: bytes) -> None:
    """Writes over a file where it is: for a full disk, on which a second one has no room."""
    handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    try:
        os.pwrite(handle, content, 0)
        os.ftruncate(handle, len(content))
    finally:
        os.close(handle)


def read_plain(path: Path, most: int) -> bytes:
    """A file's content. Raises OSError, and ValueError for a link, for what is no file, and for one that is larger
    than `most` bytes."""
    with open_plain(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"larger than {most:,} bytes")
    return content


def open_plain(path: Path) -> BinaryIO:
    """A file to be read. Raises OSError, and ValueError for a link or for what is no file: a pipe would be waited
    for."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if path.is_symlink():
            raise ValueError("a link, which is not followed") from error
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ValueError("not a file")
    return os.fdopen(handle, "rb")


def open_own(path: Path) -> int:
    """A file descriptor for reading and writing, of a file that is made if need be. Raises OSError for a link."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)


def plain_files(folder: Path) -> Iterator[Path]:
    """The files below a folder, in order, without links, hidden ones and whatever is behind links to folders."""
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
    """Whether the path, or a folder on the way to it from `root`, is a link. Outside of `root` only the path is."""
    ways = [path, *path.parents]
    below = ways[: ways.index(root)] if root in ways else [path]
    return any(each.is_symlink() for each in below)


def remove_parts(folder: Path) -> None:
    """Removes what a process that was killed left unfinished below the folder. For one that nobody writes to."""
    for path in folder.rglob(f".*{PART}"):
        with suppress(OSError):
            path.unlink()
