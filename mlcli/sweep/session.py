"""What the trials of one sweep share: who watches them. Travels through Hydra as its task function.

Free of torch: what is to be done beside its import begins before it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlcli.metric.plot import Plot


def unwatched(folder: Path) -> None:
    """Follows nothing: the courier finds such a run when it looks for leftovers."""


@dataclass
class Session:
    """mlcli's own launchers read its fields; any other launcher of Hydra calls it, once for each trial."""

    command: str
    level: int = 1
    follow: Callable[[Path], None] = field(default=unwatched)
    save: Callable[[Plot, Path], object] = field(default=Plot.save)

    def __call__(self, cfg: Any) -> dict[str, Any]:
        from hydra.core.hydra_config import HydraConfig

        from mlcli.config.check import check
        from mlcli.config.compose import new_id, to_run
        from mlcli.config.garbage import collect_rarely
        from mlcli.run.life import Job, train
        from mlcli.track.console import Console

        collect_rarely()
        hydra = HydraConfig.get()
        run = to_run(cfg)
        check(run)
        overrides = list(hydra.overrides.task)
        job = Job(run, overrides, Path(hydra.runtime.output_dir), self.command, new_id(), trial=hydra.job.num)
        return train(job, Console(self.level), self.follow)

    def __getstate__(self) -> dict[str, Any]:
        """In another process (joblib) nobody can be told: the pipes to courier and drawer stay here."""
        return {"command": self.command, "level": self.level}
