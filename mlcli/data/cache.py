"""Arrays that take long to parse, kept as .npz where the user's caches are."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

Arrays = dict[str, np.ndarray]


def cache_folder() -> Path:
    """$MLCLI_CACHE, else `mlcli` in the user's cache folder."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mlcli"
    return Path(os.environ.get("MLCLI_CACHE") or default)


def cached(key: str, parse: Callable[[], Arrays]) -> Arrays:
    """What `parse` returns, from the cache if it is there. `key` names content and version.

    Many processes may come at once: each writes a file of its own and renames it, and the last one wins. A cache
    that cannot be written is done without.
    """
    path = cache_folder() / f"{key}.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored)
    arrays = parse()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            np.savez(file, allow_pickle=False, **arrays)
        Path(file.name).replace(path)
    except OSError:
        pass
    return arrays
