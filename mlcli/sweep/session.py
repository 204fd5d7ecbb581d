"""What the trials of one sweep share: the command, the tracker and the plot pool. Passed through Hydra as its task
function.

Does not import torch, so that child processes can be started before torch is imported.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mlcli.figure.plot import Plot


def follow_nothing(folder: Path) -> None:
    """Ignores the folder: a later courier delivers the run."""


@dataclass
class Session:
    """mlcli's launcher calls `mlcli.sweep.sweep.train_round` for each round of trials.

    As a context manager it closes the sweep that `train_round` has started. flags: those of the command that choose
    configs, as `--config-dir FOLDER`; the commands of single trials have them too.
    """

    command: str
    level: int = 1
    follow: Callable[[Path], None] = field(default=follow_nothing)
    save: Callable[[Plot, Path], object] = field(default=Plot.save)
    launcher: Any = None  # mlcli.sweep.launcher.OtherLauncher, if the trials are jobs of another package's launcher
    dry_run: bool = False  # plan the first round of trials, and write and train nothing
    flags: Sequence[str] = ()
    sweep: Any = None  # mlcli.sweep.sweep.Sweep, set by the first round of trials

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.sweep is not None:
            self.sweep.close(error)
