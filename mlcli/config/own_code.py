"""The user's own configs, in ./conf and in the folder of --config-dir, and the user's own code beside them.

The folder that holds such a config folder is appended to the end of sys.path, where a module cannot shadow an
installed one. Processes that build nothing of the user's (courier, plotting, UI) leave it out.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mlcli.config import index

_added: list[str] = []


def own_configs(*given: str | None) -> list[Path]:
    """The existing ones of ./conf and the given folders, without the configs that mlcli ships."""
    shipped = Path(index.shipped_conf())
    found = [Path(folder) for folder in ("conf", *given) if folder]
    return [each for each in found if each.is_dir() and not (shipped.exists() and each.samefile(shipped))]


def add_own_code(configs: Iterable[Path]) -> None:
    """Makes the modules beside these config folders importable."""
    add_folders(str(each.absolute().parent) for each in configs)


def add_folders(folders: Iterable[str]) -> None:
    """Makes the modules in these folders importable, as in a process that trains for another one."""
    for folder in folders:
        if folder not in sys.path:
            sys.path.append(folder)
            _added.append(folder)


def own_code() -> tuple[str, ...]:
    """The folders that were added to sys.path."""
    return tuple(_added)


def is_own_code(module: str) -> bool:
    """Whether this imported module is in one of these folders."""
    file = vars(sys.modules[module]).get("__file__") if module in sys.modules else None
    return file is not None and any(Path(file).is_relative_to(folder) for folder in _added)


def remove_own_code(folders: Iterable[str]) -> None:
    """Removes these folders from sys.path, in a process that inherited it."""
    sys.path[:] = [entry for entry in sys.path if entry not in set(folders)]


@contextmanager
def without_own_code() -> Iterator[None]:
    """Within this context sys.path does not have the user's folders, so that a process started here does not inherit
    them."""
    remove_own_code(_added)
    try:
        yield
    finally:
        sys.path.extend(folder for folder in _added if folder not in sys.path)
