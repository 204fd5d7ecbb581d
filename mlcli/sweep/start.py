"""The folder of a sweep, made before its first trial."""

from pathlib import Path

from mlcli.run.lifecycle import Job, first_record
from mlcli.store.folder import RunFolder


def start_sweep(folder: Path, first: Job, trials: int, command: str) -> RunFolder:
    """Creates the folder with its `sweep.json`. Raises ConfigError if it is taken or cannot be written."""
    name = str(first.cfg.name or f"sweep over {', '.join(first.swept) or 'one value'}")
    record = first_record(first) | {
        "id": folder.name,
        "name": name,
        "kind": "sweep",
        "parent": None,
        "trial": None,
        "swept": {},
        "trials": trials,
        "best_trial": None,
        "command": command,
    }
    sweep = RunFolder.create(folder, record, "sweep.json")
    sweep.write_config(first.cfg, first.overrides)
    return sweep
