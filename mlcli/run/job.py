"""One run to be trained: its config, its folder and its origin; and the record that its folder starts with."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlcli.config.redact import redact
from mlcli.config.settings import Settings
from mlcli.figure.plot import Plot
from mlcli.run.directions import task_directions
from mlcli.run.own_table import table_name
from mlcli.store.format import FORMAT
from mlcli.store.process import current_process


@dataclass(frozen=True)
class Job:
    """One run to be trained."""

    cfg: Settings
    overrides: list[str]
    path: Path
    command: str
    id: str
    parent: str | None = None  # id of the sweep
    trial: int | None = None
    swept: dict[str, Any] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)  # the chosen option of each config group
    plots: Sequence[Plot] = ()  # from before the training, as of a learning-rate range test


def initial_record(job: Job) -> dict[str, Any]:
    """The content of `run.json` when the run starts."""
    return {
        "format": FORMAT,
        "id": job.id,
        "name": run_name(job),
        "status": "RUNNING",
        "started": time.time(),
        "ended": None,
        "command": job.command,
        **current_process(),
        "parent": job.parent,
        "trial": job.trial,
        "swept": job.swept,
        "options": job.options,
        "reason": None,
        "directions": dict(task_directions(job.cfg)),
        "tracking": {key: job.cfg.tracking[key] for key in ("name", "experiment")},
    }


def run_name(job: Job) -> str:
    """The user's name for the run, or the swept values, or the model and the data."""
    if job.swept:
        values = " ".join(f"{key.rpartition('.')[2]}={value}" for key, value in job.swept.items())
        return redact(f"{job.cfg.name} {values}" if job.cfg.name else values)
    return redact(str(job.cfg.name or title(job)))


def title(job: Job) -> str:
    """Model and data, as in `lstm-digits`; a table of the user's own has the name of its file."""
    model = job.cfg.model.get("estimator") or job.cfg.model
    targets = [str(node._target_).rpartition(".")[2] for node in (model, job.cfg.data)]
    return "-".join([targets[0], table_name(job.cfg) or targets[1]]).lower()
