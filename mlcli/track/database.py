"""The SQLite file of a local store: errors that make it unusable, and waiting for other processes."""

import errno
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from mlcli.locks import lock

BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
UNUSABLE = {
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
}
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
SILENT = 5.0  # seconds of waiting for a lock before a message
Result = TypeVar("Result")
Notify = Callable[[str], None]


class Unusable(Exception):
    """A local store cannot be opened or written; the message is shown to the user."""


@contextmanager
def usable(database: Path, opening: bool = False) -> Iterator[None]:
    """Raises Unusable in place of an error of SQLite or the file system that makes the store unusable.

    opening: only the store's own files are accessed, so that every OSError makes it unusable.
    """
    try:
        yield
    except Unusable:
        raise
    except Exception as error:
        reason = why_unusable(error)
        if reason is None and opening and isinstance(error, OSError):
            reason = error.strerror
        if reason is None:
            raise
        raise Unusable(f"{database} cannot be used ({reason})") from error


def why_unusable(error: BaseException | None) -> str | None:
    """The message of SQLite or the file system in a chain of exceptions; None if the error is of another kind."""
    while error is not None:
        if isinstance(error, Unusable):
            return str(error)
        if isinstance(error, sqlite3.Error) and _code(error) in UNUSABLE:
            return str(error)
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            return error.strerror
        error = getattr(error, "orig", None) or error.__cause__ or error.__context__
    return None


def check_database(database: Path) -> None:
    """Raises sqlite3.Error for a file that is not a database."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True)) as connection:
        connection.execute("PRAGMA schema_version")


def retry_while_locked(action: Callable[[], Result], database: Path, notify: Notify) -> Result:
    """The result of the action, which is retried while another process has locked the database."""
    notified = False
    while True:
        try:
            return action()
        except sqlite3.Error as error:
            if _code(error) not in BUSY:
                raise
        if not notified:
            notify(_waiting(database))
            notified = True


@contextmanager
def exclusive(path: Path, database: Path, notify: Notify) -> Iterator[None]:
    """Holds a lock between processes. A process that ends releases it."""
    began, notified = time.monotonic(), False
    while (held := lock(path)) is None:
        time.sleep(0.02)
        if not notified and time.monotonic() - began > SILENT:
            notify(_waiting(database))
            notified = True
    try:
        yield
    finally:
        held.release()


@contextmanager
def without_fsync() -> Iterator[None]:
    """Connections that are opened inside do not wait for the disk. A new store runs dozens of migrations, each with
    such a wait, and holds no runs yet that a crash of the machine could lose."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def relax(connection: Any, record: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    event.listen(Engine, "connect", relax)
    try:
        yield
    finally:
        event.remove(Engine, "connect", relax)


def enable_wal(database: Path) -> None:
    """Switches to write-ahead logging, with which readers and writers do not block each other."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def checkpoint_wal(database: Path) -> None:
    """Copies the write-ahead log into the database, so that the file alone is complete. Ignores errors, which have
    been reported before."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _waiting(database: Path) -> str:
    return f"waiting for {database}, which another process is writing to"


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
