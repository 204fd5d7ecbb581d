"""A cache of arrays that take long to parse, as .npz files in the user's cache folder."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from mlcli.config.cache_dir import cached_file, new_file
from mlcli.files import write_atomic

Arrays = dict[str, np.ndarray]


def cached(key: str, parse: Callable[[], Arrays]) -> Arrays:
    """The arrays that `parse` returns, from the cache if possible. key: names content and version.

    Processes may run concurrently: writes are atomic, and the last one wins. A cache that cannot be written is not
    used, and a file that cannot be read is replaced.
    """
    with (
        suppress(Exception),
        np.load(cached_file(f"{key}.npz"), allow_pickle=False) as stored,
    ):  # np.load raises almost anything for a damaged file
        return dict(stored)
    arrays = parse()
    with suppress(OSError):
        _write(new_file(f"{key}.npz"), arrays)
    return arrays


def _write(path: Path, arrays: Arrays) -> None:
    def save(part: Path) -> None:
        with part.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, save)
