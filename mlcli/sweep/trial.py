"""One trial of a sweep."""

from dataclasses import dataclass, field
from typing import Any

from mlcli.run.job import Job
from mlcli.sweep.choice import Choice


@dataclass
class Trial:
    """One trial, with its status and result."""

    number: int
    job: Job
    status: str = "WAITING"
    reason: str | None = None
    result: dict[str, Any] = field(default_factory=dict)
    has_figures: bool = False  # saved, or submitted to the plot pool
    alone: bool = False  # hydra.launcher.alone names it
    choice: Choice | None = None  # of hydra/launcher=auto, for a trial that could be part of a stack
