"""The location of the cache folder and of its files."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_scratch: list[Path] = []  # takes new files instead of the cache, if it is set


def cache_folder() -> Path:
    """$MLCLI_CACHE, else `mlcli` in the user's cache folder."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mlcli"
    return Path(os.path.expanduser(os.environ.get("MLCLI_CACHE") or default))


def new_file(name: str) -> Path:
    """Where to write a file of the cache. name: its path in the cache folder."""
    return (_scratch[-1] if _scratch else cache_folder()) / name


def cached_file(name: str) -> Path:
    """Where to find a file of the cache, which need not exist yet."""
    found = cache_folder() / name
    return found if found.exists() else new_file(name)


@contextmanager
def unchanged_cache() -> Iterator[None]:
    """Leaves the cache as it is: new files go to a temporary folder, which is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="mlcli-") as folder:
        _scratch.append(Path(folder))
        try:
            yield
        finally:
            _scratch.pop()
