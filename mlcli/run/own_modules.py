"""The user's own modules that a run's model needs, as text, so that the model remains usable without their files."""

import os
import sys
from pathlib import Path

from mlcli.config.settings import Settings
from mlcli.config.stored import targets
from mlcli.run.target_kinds import RESERVED
from mlcli.run.trust import PREDICTION

LARGEST = 4 << 20  # bytes of all modules; larger ones are a package to be installed


def own_modules(cfg: Settings) -> dict[str, str]:
    """The imported modules in the folders of those that define the model and the task, by path relative to that
    folder. {} for objects of mlcli and of installed packages, and for more than LARGEST bytes."""
    folders = {folder for key in PREDICTION for target in targets(cfg[key]) if (folder := _folder(target))}
    if not folders:
        return {}
    # Compared as texts: there are thousands of modules, and in a sweep as many trials.
    files = [file for module in [*sys.modules.values()] if (file := vars(module).get("__file__"))]
    found = {
        path.relative_to(folder).as_posix(): path
        for folder in folders
        for file in files
        if file.startswith(f"{folder}{os.sep}")
        and (path := Path(file)).suffix == ".py"
        and path.name != "__main__.py"
    }
    if sum(path.stat().st_size for path in found.values()) > LARGEST:
        return {}
    return {name: path.read_text(encoding="utf-8") for name, path in sorted(found.items())}


def _folder(target: str) -> Path | None:
    """The folder with the package that defines the target, if nothing is installed there."""
    name = target.partition(".")[0]
    module = sys.modules.get(name)
    if module is None or name in RESERVED or name in sys.stdlib_module_names:
        return None
    file, package = vars(module).get("__file__"), [*vars(module).get("__path__", ())]
    folder = Path(package[0]).parent if package else Path(file).parent if file else None
    is_installed = folder is None or next(folder.glob("*.dist-info"), None) is not None
    return None if is_installed else folder
