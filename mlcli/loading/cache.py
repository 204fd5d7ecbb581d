"""Arrays that take long to parse, kept as .npz where the user's caches are."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from mlcli.config.cache_dir import cache_folder
from mlcli.files import write_atomic

Arrays = dict[str, np.ndarray]


def cached(key: str, parse: Callable[[], Arrays]) -> Arrays:
    """What `parse` returns, from the cache if it is there. `key` names content and version.

    Many processes may come at once: each writes a file of its own and renames it, and the last one wins. A cache
    that cannot be written is done without, and a file that cannot be read is written anew.
    """
    path = cache_folder() / f"{key}.npz"
    with suppress(Exception), np.load(path, allow_pickle=False) as stored:  # damaged, it raises almost anything
        return dict(stored)
    arrays = parse()
    with suppress(OSError):
        _write(path, arrays)
    return arrays


def _write(path: Path, arrays: Arrays) -> None:
    def save(part: Path) -> None:
        with part.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, save)
