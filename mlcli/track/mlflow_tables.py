"""A cache of the empty tables of a new MLflow store, which MLflow itself creates slowly, by dozens of migrations."""

import sqlite3
import tempfile
from contextlib import closing, suppress
from importlib.metadata import version
from pathlib import Path

from mlcli.config.cache_dir import cache_folder
from mlcli.files import write_atomic


def cached_tables() -> Path:
    """The file of the cache for the installed version of MLflow."""
    return cache_folder() / f"mlflow-{version('mlflow')}.db"


def copy_tables(database: Path) -> bool:
    """Creates a store from the cache. False if the cache is empty; raises OSError if the store cannot be written."""
    try:
        if not _is_empty(cached_tables()):
            return False
        tables = cached_tables().read_bytes()
    except (OSError, sqlite3.Error):
        return False
    write_atomic(database, tables)
    return True


def has_cached_tables(database: Path) -> bool:
    """Whether a store has the cached tables, according to the name of the last migration."""
    try:
        return _version(database) == _version(cached_tables())
    except sqlite3.Error:
        return False


def _version(database: Path) -> list[tuple[str]]:
    """Raises sqlite3.Error if there is no such file. Opened for writing, since a read-only connection would leave
    SQLite's auxiliary files behind."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True)) as connection:
        return connection.execute("SELECT version_num FROM alembic_version").fetchall()


def cache_tables(database: Path) -> None:
    """Caches the tables of a store that MLflow has just created. Ignores a cache that cannot be written."""
    cache = cached_tables()
    with suppress(OSError, sqlite3.Error):
        cache.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache.parent) as scratch:
            part = Path(scratch) / cache.name
            with closing(sqlite3.connect(database)) as connection:
                connection.execute("VACUUM INTO ?", (str(part),))
            with closing(sqlite3.connect(part)) as connection, connection:
                connection.execute("DELETE FROM experiments")  # the default experiment has the folder of that store
            if _is_empty(part):  # the store may have been replaced by another one in the meantime
                write_atomic(cache, part.read_bytes())


def _is_empty(database: Path) -> bool:
    """Whether a store has no runs. Raises sqlite3.Error if there is no such store."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True)) as connection:
        return connection.execute("SELECT 1 FROM runs LIMIT 1").fetchone() is None
