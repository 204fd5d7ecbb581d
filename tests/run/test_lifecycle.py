"""The log of a run."""

import warnings
from pathlib import Path

import pytest

from mlcli.run.log import log_to


@pytest.mark.filterwarnings("default")
def test_a_sweeps_log_has_warnings_after_its_first_trial_too(tmp_path: Path) -> None:
    with log_to(tmp_path / "sweep.log"):
        with log_to(tmp_path / "trial.log"):
            warnings.warn("during the trial", stacklevel=1)
        warnings.warn("after the trial", stacklevel=1)
    assert "during the trial" in (tmp_path / "trial.log").read_text()
    assert "after the trial" in (tmp_path / "sweep.log").read_text()
