"""Finds runs under the outputs folder: all of them, or the one that a user names."""

from pathlib import Path

from mlcli.config.errors import ConfigError, suggest
from mlcli.store.filters import matching
from mlcli.store.stored_run import StoredRun, read_run, short_id

PATTERNS = ("runs/*/run.json", "sweeps/*/sweep.json", "sweeps/*/*/run.json")


def all_runs(outputs: Path) -> list[StoredRun]:
    """Runs, sweeps and their trials under `outputs`, newest first."""
    folders = (path.parent for pattern in PATTERNS for path in outputs.glob(pattern))
    found = [run for folder in folders if (run := read_run(folder)) is not None]
    return sorted(found, key=lambda run: (run.record["started"], run.id), reverse=True)


def find(text: str, outputs: Path) -> StoredRun:
    """The run with this folder, id, unique prefix of an id (or of its random part), or name; `last` is the newest.

    Of several runs with one name, or that match filters such as `model=lstm`, it is the newest. Raises ConfigError
    when none or several match, and for a run of a later version of mlcli.
    """
    found = read_run(Path(text)) or _match(text, outputs)
    if found.is_newer:
        raise ConfigError(f"{found.id}: {found.damage}")
    return found


def _match(text: str, outputs: Path) -> StoredRun:
    runs = all_runs(outputs)
    if not runs:
        raise ConfigError(f"There is no run under {outputs}: use `mlcli train` first, or --outputs FOLDER.")
    if text == "last":
        return next((run for run in runs if run.record.get("parent") is None), runs[0])
    for matches in (
        [run for run in runs if run.id == text],
        [run for run in runs if run.record["name"] == text][:1],
        [run for run in runs if run.id.startswith(text) or short_id(run.id).startswith(text)],
    ):
        if len(matches) == 1:
            return matches[0]
        sweeps = [run for run in matches if run.is_sweep]  # the ids of its trials start with the sweep's
        if len(sweeps) == 1 and all(run.id.startswith(sweeps[0].id) for run in matches):
            return sweeps[0]
        if matches:
            raise ConfigError(f"{text!r} fits several runs: use one of {', '.join(run.id for run in matches[:8])}.")
    if "=" in text and (matches := matching(runs, text.split())):
        return matches[0]
    names = {str(run.record["name"]) for run in runs} | {run.id for run in runs}
    hint = suggest(text, names).partition(" Choices:")[0]
    raise ConfigError(f"There is no run {text!r}.{hint} See `mlcli runs`.")


def find_run(text: str, outputs: Path) -> StoredRun:
    """Like `find`, for commands that need a trained network: a sweep stands for its best trial."""
    found = find(text, outputs)
    if not found.is_sweep:
        return found
    if found.damage is not None:
        raise ConfigError(f"{found.id} is damaged: {found.damage}")
    best = found.record.get("best_trial")
    trial = read_run(found.folder.path / str(best)) if best is not None else None
    if trial is None:
        raise ConfigError(
            f"{found.id} is a sweep without a best trial: use the id of one of its trials, as {found.id}-0."
        )
    return trial
