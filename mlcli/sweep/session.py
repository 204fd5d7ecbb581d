"""What the trials of one sweep share: who watches them. Travels through Hydra as its task function.

Free of torch: what is to be done beside its import begins before it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mlcli.figure.plot import Plot


def follow_nothing(folder: Path) -> None:
    """Follows nothing: the courier finds such a run when it looks for leftovers."""


@dataclass
class Session:
    """mlcli's own launchers read its fields; any other launcher of Hydra calls it, once for each trial.

    As a context it closes the sweep that one of mlcli's launchers has begun inside.
    """

    command: str
    level: int = 1
    follow: Callable[[Path], None] = field(default=follow_nothing)
    save: Callable[[Plot, Path], object] = field(default=Plot.save)
    sweep: Any = None  # mlcli.sweep.sweep.Sweep, from the first round of trials on

    def train(self, loader: Any, cfg: Any, way: str, overrides: Any, first: int) -> list[Any]:
        """Trains a round of trials in one of mlcli's ways; a Hydra JobReturn for each."""
        from mlcli.sweep.sweep import Sweep

        if self.sweep is None:
            self.sweep = Sweep(loader, cfg, self, way)
        ended: list[Any] = self.sweep.train(overrides, first)
        return ended

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
        from mlcli.config.job import as_typed
        from mlcli.run.lifecycle import Job, train
        from mlcli.sweep.compose import check_trial
        from mlcli.track.console import Console

        collect_rarely()
        hydra = HydraConfig.get()
        run = to_run(cfg)
        check_trial(run)
        overrides, path = as_typed(hydra.overrides.task), Path(hydra.runtime.output_dir)
        job = Job(run, overrides, path, self.command, new_id(), trial=hydra.job.num)
        result = train(job, Console(self.level), self.follow)
        return float(result["metrics"][run.sweep.metric or run.trainer.monitor])

    def __getstate__(self) -> dict[str, Any]:
        """In another process nobody can be told: the pipes to courier and drawer stay here."""
        return {"command": self.command, "level": self.level}
