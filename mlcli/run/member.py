"""One run of a stack, with its progress."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mlcli.run.build import Parts, build
from mlcli.run.job import Job, initial_record
from mlcli.run.lifecycle import write_description
from mlcli.store.folder import RunFolder
from mlcli.train.loop import Epoch, Progress


@dataclass
class StackMember:
    """One run of a stack, with its progress. A callback may end it early with `prune`."""

    job: Job
    parts: Parts
    progress: Progress = field(default_factory=Progress)
    has_folder: bool = False
    is_trained: bool = False  # its training is complete, even if the stack fails later
    is_reset: bool = False  # its training starts again, and needs new parts
    recorded_epochs: int = 0  # in its journal
    status: str = "RUNNING"
    reason: str | None = None
    result: dict[str, Any] = field(default_factory=dict)
    has_figures: bool = False

    @property
    def folder(self) -> RunFolder:
        return RunFolder(self.job.path.absolute())

    def create_folder(self) -> None:
        RunFolder.create(self.job.path, initial_record(self.job))
        self.has_folder = True
        write_description(self.folder, self.job, self.parts)

    def reset(self) -> None:
        """Discards its training so far. Epochs in its journal stay and are not written again."""
        self.progress, self.status, self.is_reset = Progress(), "RUNNING", True

    def rebuild(self) -> None:
        """Builds new parts after a reset."""
        if self.is_reset:
            self.parts = build(self.job.cfg, self.parts.data, self.parts.loader)
            self.is_reset = False

    def prune(self, reason: str) -> None:
        """Removes the run from the stack after this epoch."""
        self.status, self.progress.stopped = "PRUNED", reason

    def end(self, status: str, reason: str | None = None) -> None:
        self.status, self.reason = status, reason
        self.folder.end(status, reason)


# Called after each epoch of each member, and with None in regular intervals.
OnEpoch = Callable[[StackMember | None, Epoch | None], None]
