"""What the trials of one sweep share: the command, the tracker and the plot pool. Passed through Hydra as its task
function.

Does not import torch, so that child processes can be started before torch is imported.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mlcli.figure.plot import Plot


def follow_nothing(folder: Path) -> None:
    """Ignores the folder: a later courier delivers the run."""


@dataclass
class Session:
    """mlcli's own launcher calls `mlcli.sweep.sweep.train_round`; any other launcher of Hydra calls the session
    itself, once per trial.

    As a context manager it closes the sweep that `train_round` has started.
    """

    command: str
    level: int = 1
    follow: Callable[[Path], None] = field(default=follow_nothing)
    save: Callable[[Plot, Path], object] = field(default=Plot.save)
    sweep: Any = None  # mlcli.sweep.sweep.Sweep, set by the first round of trials

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.sweep is not None:
            self.sweep.close(error)

    def __call__(self, cfg: Any) -> float:
        """Trains one trial and returns the metric that the sweep compares."""
        from hydra.core.hydra_config import HydraConfig

        from mlcli.config.compose import new_id, to_run
        from mlcli.config.gc_policy import collect_rarely
        from mlcli.config.job import as_typed, chosen_options
        from mlcli.run.job import Job
        from mlcli.run.lifecycle import train
        from mlcli.sweep.compose import check_trial
        from mlcli.track.console import Console

        collect_rarely()
        hydra = HydraConfig.get()
        run = to_run(cfg)
        check_trial(run)
        overrides, path = as_typed(hydra.overrides.task), Path(hydra.runtime.output_dir)
        options = chosen_options(hydra)
        job = Job(run, overrides, path, self.command, new_id(), trial=hydra.job.num, options=options)
        result = train(job, Console(self.level), self.follow)
        return float(result["metrics"][run.sweep.metric or run.trainer.monitor])

    def __getstate__(self) -> dict[str, Any]:
        """Without the pipes to the courier and the plot pool, which belong to this process."""
        return {"command": self.command, "level": self.level}
