"""Removes run folders: only what is a run or sweep under `outputs`, and nothing that a link leads to."""

import os
import re
import shutil
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from mlcli.config.errors import ConfigError
from mlcli.files import passes_a_link
from mlcli.store.stored_run import StoredRun, read_run

UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}  # seconds
AGE = re.compile(r"(\d+(?:\.\d+)?)([mhdw])")


def seconds(age: str) -> float:
    """Converts an age such as `30d` or `12h` to seconds. Raises ConfigError."""
    found = AGE.fullmatch(age.strip().lower())
    if found is None:
        raise ConfigError(f"--older {age}: use a number with a unit, as in 12h, 30d or 4w.")
    return float(found[1]) * UNITS[found[2]]


def is_older(run: StoredRun, age: float) -> bool:
    """Whether the run ended, or, if its end is unknown, started more than this many seconds ago."""
    return time.time() - float(run.record.get("ended") or run.record["started"]) > age


def trials_of(run: StoredRun) -> list[StoredRun]:
    """The trials of a sweep; none of a run."""
    if not run.is_sweep:
        return []
    folders = sorted(path.parent for path in run.folder.path.glob("*/run.json"))
    return [found for folder in folders if not folder.is_symlink() and (found := read_run(folder)) is not None]


def obstacle(run: StoredRun, outputs: Path) -> str | None:
    """Why a run cannot be removed, and what to do instead; None if it can."""
    path = run.folder.path
    if run.record.get("parent"):
        sweep = path.parent.name
        return f"it is a trial of the sweep {sweep}, whose report names it: remove the sweep, `mlcli rm {sweep}`"
    if path.parent.name not in ("runs", "sweeps") or not _same(path.parent.parent, outputs):
        return f"it is not in {outputs}/runs or {outputs}/sweeps: use --outputs FOLDER, or remove {path} by hand"
    if passes_a_link(path, path.parent.parent):
        return "it is a link, which is not followed: remove the link by hand"
    running = [each for each in (run, *trials_of(run)) if each.status == "RUNNING"]
    if running:
        where = f" on {running[0].host}" if running[0].host else ""
        return f"it is running{where}: stop it first"
    return None


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def without_trials_of_selected(runs: Iterable[StoredRun]) -> list[StoredRun]:
    """The runs without duplicates and without trials whose sweep is among them."""
    by_folder = {run.folder.path: run for run in runs}
    return [run for path, run in by_folder.items() if not (run.record.get("parent") and path.parent in by_folder)]


def size(folder: Path) -> int:
    """Bytes of the files below a folder; a link counts as itself."""
    total = 0
    for parent, _, names in os.walk(folder):
        total += sum(os.lstat(os.path.join(parent, name)).st_size for name in names)  # noqa: PTH118
    return total


def remove_folders(runs: Sequence[StoredRun]) -> None:
    """Removes the folders of these runs with everything in them. Raises OSError.

    The record goes last, so that an interrupted removal leaves a run that is listed and can be removed again.
    """
    for run in runs:
        record = run.folder.path / run.folder.record_name
        for entry in list(os.scandir(run.folder.path)):
            if entry.name == record.name:
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)  # noqa: PTH108
        record.unlink()
        run.folder.path.rmdir()
