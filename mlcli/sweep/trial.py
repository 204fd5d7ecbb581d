"""One trial of a sweep."""

from dataclasses import dataclass, field
from typing import Any

from mlcli.run.lifecycle import Job


@dataclass
class Trial:
    """One trial and how it went."""

    number: int
    job: Job
    status: str = "WAITING"
    reason: str | None = None
    result: dict[str, Any] = field(default_factory=dict)
    drawn: bool = False  # whether it has figures, or soon will
