"""One trial of a sweep."""

from dataclasses import dataclass, field
from typing import Any

from mlcli.run.job import Job


@dataclass
class Trial:
    """One trial, with its status and result."""

    number: int
    job: Job
    status: str = "WAITING"
    reason: str | None = None
    result: dict[str, Any] = field(default_factory=dict)
    has_figures: bool = False  # saved, or submitted to the plot pool
