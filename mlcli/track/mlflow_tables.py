"""A new MLflow store's empty tables, kept among the user's caches: MLflow arrives at them by 69 migrations, for more
than a second of a core that training has use for."""

import sqlite3
import tempfile
from contextlib import closing, suppress
from importlib.metadata import version
from pathlib import Path

from mlcli.config.cache_dir import cache_folder
from mlcli.files import write_atomic


def kept_tables() -> Path:
    """The file for this version of MLflow."""
    return cache_folder() / f"mlflow-{version('mlflow')}.db"


def copy_tables(database: Path) -> bool:
    """Begins a new store with them. False if none are kept; raises OSError where it cannot be written."""
    try:
        if not _is_empty(kept_tables()):
            return False
        tables = kept_tables().read_bytes()
    except (OSError, sqlite3.Error):
        return False
    write_atomic(database, tables)
    return True


def are_known(database: Path) -> bool:
    """Whether its tables are those that are kept, by the name of the last migration."""
    try:
        return _version(database) == _version(kept_tables())
    except sqlite3.Error:
        return False


def _version(database: Path) -> list[tuple[str]]:
    """Raises sqlite3.Error where there is no such file. A reader alone would leave SQLite's own files beside it."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True)) as connection:
        return connection.execute("SELECT version_num FROM alembic_version").fetchall()


def keep_tables(database: Path) -> None:
    """Keeps those of a store that MLflow has just made. A cache that cannot be written is done without."""
    kept = kept_tables()
    with suppress(OSError, sqlite3.Error):
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
            part = Path(scratch) / kept.name
            with closing(sqlite3.connect(database)) as connection:
                connection.execute("VACUUM INTO ?", (str(part),))
            with closing(sqlite3.connect(part)) as connection, connection:
                connection.execute("DELETE FROM experiments")  # a default one, with the folder of that store
            if _is_empty(part):  # whoever has removed the folder of that store may have filled another in its place
                part.replace(kept)


def _is_empty(database: Path) -> bool:
    """Whether there are no runs in it. Raises sqlite3.Error where there is no such store."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True)) as connection:
        return connection.execute("SELECT 1 FROM runs LIMIT 1").fetchone() is None
