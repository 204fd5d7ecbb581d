"""The SQLite file of a local store: what makes it unusable, and how long another process's lock is waited for."""

import errno
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from mlcli.files import open_own

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
SILENT = 5.0  # seconds that a lock is waited for without a word
Result = TypeVar("Result")
Tell = Callable[[str], None]


class Unusable(Exception):
    """A local store that cannot be opened or written; the message is for the user."""


@contextmanager
def usable(database: Path, opening: bool = False) -> Iterator[None]:
    """Raises Unusable instead of what SQLite or the file system says of a store of which nothing can be made.

    opening: no file but the store's own is concerned.
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
    """What SQLite or the file system says, wherever in the chain of exceptions; None if that is something else."""
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
    """Raises sqlite3.Error for a file that is no database."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True)) as connection:
        connection.execute("PRAGMA schema_version")


def retry_while_locked(action: Callable[[], Result], database: Path, tell: Tell) -> Result:
    """What the action returns, which is called again for as long as another process has the database locked."""
    told = False
    while True:
        try:
            return action()
        except sqlite3.Error as error:
            if _code(error) not in BUSY:
                raise
        if not told:
            tell(_waiting(database))
            told = True


@contextmanager
def exclusive(lock: Path, database: Path, tell: Tell) -> Iterator[None]:
    """One process at a time. The lock of one that has ended is gone with it."""
    with os.fdopen(open_own(lock), "r+") as file:
        began, told = time.monotonic(), False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.02)
            if not told and time.monotonic() - began > SILENT:
                tell(_waiting(database))
                told = True
        yield


@contextmanager
def without_fsync() -> Iterator[None]:
    """Connections that are opened meanwhile don't wait for the disk: a new store runs 69 migrations, with a wait for
    each. Should the machine fall just then, there are no runs in it yet to be lost."""
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
    """Readers and writers do not wait for each other from now on."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def checkpoint_wal(database: Path) -> None:
    """Brings what SQLite still has beside the database into it, so that the file alone is the whole store. One that
    cannot be used, which has been said, is left."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _waiting(database: Path) -> str:
    return f"waiting for {database}, which another process is writing to"


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
