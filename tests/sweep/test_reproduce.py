"""The command of a trial trains it again, as a single run."""

import json
import shlex
from pathlib import Path

import pytest

from mlcli.cli.training import main
from mlcli.config.settings import settings
from mlcli.sweep.reproduce import trial_command
from tests import commands

QUICK = ["tracking=none", "tracking.figures=false", "data=iris", "model.width=8", "trainer.epochs=2", "device=cpu"]
CFG = settings({"conclusion": None, "optimizer": {"lr": 0.1}})


@pytest.mark.parametrize(
    "arguments",
    [
        ["optimizer.lr=1e-3,1e-2", "trainer.repeats=2", "optimizer.weight_decay=${optimizer.lr}"],
        ["trainer.seed=3,4", "optimizer.weight_decay=${hydra:job.num}"],
    ],
)
def test_it_has_the_numbers_of_the_trial(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = commands.sweep([*QUICK, *arguments, "hydra/launcher=serial"])
    trial = folder / "1"
    command = json.loads((trial / "run.json").read_text())["command"]
    program, name, *overrides = shlex.split(command)
    assert (program, name) == ("mlcli", "train") and "trainer.repeats" not in command
    main(overrides)
    (run,) = Path("outputs/runs").iterdir()
    metrics = [json.loads((each / "result.json").read_text())["metrics"] for each in (trial, run)]
    assert metrics[0] == metrics[1]
    # The sweep's own record has the command of the sweep.
    assert json.loads((folder / "sweep.json").read_text())["command"] != command


def test_it_has_what_chooses_configs_and_no_sweep() -> None:
    assert trial_command(["model=mlp"], CFG, {}, ["--config-dir", "my conf"]) == (
        "mlcli train --config-dir 'my conf' model=mlp"
    )
    concluding = settings(CFG | {"conclusion": {"_target_": "x"}})
    made = trial_command(
        ["experiment=tuning", "variant=a", "optimizer.lr=1"], concluding, {"experiment": "tuning"}, []
    )
    assert made == "mlcli train experiment=tuning optimizer.lr=1 hydra.mode=RUN conclusion=null"
