"""Hydra's own settings: each works or is an error."""

import os
from pathlib import Path

import pytest

from mlcli.cli.training import main
from mlcli.config.compose import compose, hydra_session
from mlcli.config.errors import ConfigError
from mlcli.config.hydra_keys import resolve_hydra_keys

SWEEP = ["trainer.seed=0,1"]


def resolved(*overrides: str) -> None:
    with hydra_session() as hydra:
        resolve_hydra_keys(compose(hydra, list(overrides), multirun=any("seed=0,1" in each for each in overrides)))


@pytest.mark.parametrize("sweep", [[], SWEEP], ids=["run", "sweep"])
@pytest.mark.parametrize(
    ("override", "wanted"),
    [
        ("hydra.job.chdir=true", "hydra.job.chdir is not supported: runs stay in the current folder"),
        ("hydra.sweep.subdir=x", "hydra.sweep.subdir is not supported"),
        ("hydra.output_subdir=.hydra", "hydra.output_subdir is not supported"),
        ("hydra.verbose=true", "hydra.verbose is not supported: the log is train.log"),
        ("hydra.verbose=[mlcli]", "hydra.verbose is not supported"),
        ("hydra/job_logging=stdout", "hydra.job_logging is not supported"),
        ("hydra/hydra_logging=default", "hydra.hydra_logging is not supported"),
        ("+hydra.callbacks.mine._target_=nothing.Mine", "hydra.callbacks is not supported"),
        ("hydra.sweeper.max_batch_size=2", "hydra.sweeper.max_batch_size is not supported"),
        ("hydra.job.num=3", "hydra.job.num is set for each run"),
        ("hydra.runtime.cwd=/", "hydra.runtime.cwd is set for each run"),
        ("hydra.launcher.strategy=fast", "hydra.launcher.strategy=fast: use one of auto, stack, serial, processes"),
    ],
)
def test_what_would_change_nothing_is_refused(override: str, wanted: str, sweep: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        resolved(override, *sweep)
    assert wanted in str(error.value)


def test_a_run_and_a_sweep_exclude_each_other() -> None:
    with pytest.raises(ConfigError, match=r"hydra.mode=RUN and a sweep exclude each other"):
        resolved("hydra.mode=RUN", *SWEEP)


@pytest.mark.parametrize(
    "override",
    [
        "hydra.job.name=me",
        "hydra.job.config.override_dirname.item_sep=/",
        "hydra.job.chdir=false",
        "hydra.run.dir=x",
        "hydra.sweep.dir=x",
        "hydra.searchpath=[]",
        "hydra/launcher=serial",
        "hydra.sweep.subdir='${hydra:job.num}'",
    ],
)
@pytest.mark.parametrize("sweep", [[], SWEEP], ids=["run", "sweep"])
def test_what_works(override: str, sweep: list[str]) -> None:
    resolved(override, *sweep)


def test_a_launcher_of_hydra_runs_jobs_as_hydra_does() -> None:
    resolved("hydra/launcher=basic", "hydra.output_subdir=.hydra", "hydra.verbose=true", *SWEEP)


def test_with_every_launcher_the_sweep_numbers_its_folders() -> None:
    with pytest.raises(ConfigError, match=r"hydra.sweep.subdir is not supported: trials are in the folders 0, 1"):
        resolved("hydra/launcher=basic", "hydra.sweep.subdir=x", *SWEEP)


def test_the_environment_of_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLCLI_TEST_OF_ENV", "before")
    main(
        [
            *("-q", "data=iris", "model=linear", "trainer.epochs=1", "tracking=none", "tracking.figures=false"),
            *("+hydra.job.env_set.MLCLI_TEST_OF_ENV='${name}'", "name=mine"),
        ]
    )
    assert os.environ["MLCLI_TEST_OF_ENV"] == "mine"
