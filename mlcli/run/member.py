"""One run of a stack, and how it goes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mlcli.run.build import Parts, build
from mlcli.run.lifecycle import Job, initial_record, write_description
from mlcli.store.folder import RunFolder
from mlcli.train.loop import Epoch, Progress


@dataclass
class Member:
    """One run of a stack, and how it goes. Whoever watches may end it with `prune`."""

    job: Job
    parts: Parts
    progress: Progress = field(default_factory=Progress)
    begun: bool = False  # it has a folder
    over: bool = False  # its training, whatever becomes of the stack
    stale: bool = False  # its parts are those of a stack that failed
    journalled: int = 0  # epochs
    status: str = "RUNNING"
    reason: str | None = None
    result: dict[str, Any] = field(default_factory=dict)
    drawn: bool = False

    @property
    def folder(self) -> RunFolder:
        return RunFolder(self.job.path.absolute())

    def begin(self) -> None:
        RunFolder.create(self.job.path, initial_record(self.job))
        self.begun = True
        write_description(self.folder, self.job, self.parts)

    def drop(self) -> None:
        """Forgets its training so far. The epochs in its journal stay, and do not come again."""
        self.progress, self.status, self.stale = Progress(), "RUNNING", True

    def restore(self) -> None:
        """New parts for the old ones, if it has dropped its training."""
        if self.stale:
            self.parts = build(self.job.cfg, self.parts.data, self.parts.loader)
            self.stale = False

    def prune(self, reason: str) -> None:
        """Takes the run out of the stack after this epoch."""
        self.status, self.progress.stopped = "PRUNED", reason

    def end(self, status: str, reason: str | None = None) -> None:
        self.status, self.reason = status, reason
        self.folder.end(status, reason)


# Told of each epoch of each member, and with None that time passes.
Watch = Callable[[Member | None, Epoch | None], None]
