"""Launchers of other packages, such as joblib's, submitit's and Hydra's own: each trains the trials of a sweep as its
jobs, in processes of its choice, and the sweep keeps its checks, folder and report.

The processes get the trials ready composed, because Hydra's loader would need this process's sources and resolvers.
Does not import torch, which the processes import when they train.
"""

import os
import pickle
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from mlcli.config import sources
from mlcli.config.job import begin_job
from mlcli.config.own_code import add_folders, own_code
from mlcli.config.settings import to_dicts
from mlcli.run.failure import RunFailed

OTHER = "other"  # the strategy of sweeps with such a launcher

if TYPE_CHECKING:
    from mlcli.run.job import Job
    from mlcli.sweep.trial import Trial


class TrialJobs:
    """Stands for Hydra's config loader and its task function, both of which launchers may send to other processes.

    Holds the jobs of a round in compressed form: most launchers send them with each trial.
    """

    def __init__(self) -> None:
        self.process = os.getpid()
        self.own_folders = own_code()
        self.packed = b""

    def fill(self, trials: "Sequence[Trial]") -> None:
        self.packed = zlib.compress(pickle.dumps({trial.number: trial.job for trial in trials}), level=1)

    def jobs(self) -> "dict[int, Job]":
        made: dict[int, Job] = pickle.loads(zlib.decompress(self.packed))
        return made

    def load_sweep_config(self, config: DictConfig, overrides: Sequence[str]) -> DictConfig:
        """The config of the trial with these overrides, with Hydra's node, as Hydra's loader composes it."""
        given = list(overrides)
        number, job = next(each for each in self.jobs().items() if each[1].overrides == given)
        node: Any = OmegaConf.masked_copy(config, "hydra")
        cfg: DictConfig = OmegaConf.merge(OmegaConf.create(to_dicts(job.cfg)), node)  # type: ignore[assignment]
        OmegaConf.set_struct(cfg, True)
        with read_write(cfg.hydra), open_dict(cfg.hydra):
            cfg.hydra.sweep.dir = str(job.path.parent)
        before = HydraConfig.instance().cfg
        try:
            begin_job(cfg, given, number)
        finally:
            HydraConfig.instance().cfg = before
        OmegaConf.set_readonly(cfg.hydra, False)
        return cfg

    def __call__(self, cfg: Any) -> float:
        """Trains the trial of the current job and returns the metric that the sweep compares. Raises RunFailed."""
        from mlcli.sweep.serial import train_silently

        add_folders(self.own_folders)
        number = HydraConfig.get().job.num
        job = self.jobs()[number]
        limit = os.environ.get("OMP_NUM_THREADS", "")
        if os.getpid() != self.process and limit.isdigit():  # the launcher's share of the cores for this process
            job.cfg.device.threads = job.cfg.device.threads or int(limit)
        trial = train_silently(number, job)
        if trial.status != "FINISHED":
            raise RunFailed(f"trial {number}: {trial.reason}")
        return float(trial.result["metrics"][job.cfg.sweep.metric or job.cfg.trainer.monitor])


class OtherLauncher:
    """A launcher of another package, set up to train trials of a sweep. Raises what its constructor raises."""

    def __init__(self, config: DictConfig, context: HydraContext) -> None:
        self.trials = TrialJobs()
        self.name = str(config.hydra.runtime.choices.get("hydra/launcher"))
        own: Any = HydraContext(config_loader=self.trials, callbacks=context.callbacks)  # type: ignore[arg-type]
        plugins = Plugins.instance()
        self.launcher = plugins.instantiate_launcher(hydra_context=own, task_function=self.trials, config=config)

    def launch(self, trials: "Sequence[Trial]") -> Sequence[JobReturn]:
        """Trains the trials. Raises what the launcher raises, as for a process that was killed."""
        self.trials.fill(trials)
        overrides = [trial.job.overrides for trial in trials]
        with sources.hydra_reader():
            return self.launcher.launch(overrides, initial_job_idx=trials[0].number)
