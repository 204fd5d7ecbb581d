"""The rule by which hydra/launcher=auto stacks trials, and the choices that a timing makes, which can be repeated."""

import json
import math
import shlex
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mlcli.run.build import build
from mlcli.store.records import read_json
from mlcli.sweep import stacks, timing
from mlcli.sweep.choice import Choice, recorded
from mlcli.sweep.stack_rule import RULE, fewest_trials, kind_of, work_of
from mlcli.train.stack.stack import Stack
from tests.commands import sweep
from tests.configs import run_config
from tests.conftest import ROOT

QUICK = ["tracking=none", "tracking.figures=false", "data=iris", "trainer.epochs=2", "device=cpu"]


@pytest.fixture
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def kind_and_work(*words: str) -> tuple[str | None, float]:
    parts = build(run_config(*words, "device=cpu"))
    return kind_of(parts.model, parts.task), work_of(parts)


def test_kinds_and_work_of_networks() -> None:
    """Work: weights × positions × examples of a batch."""
    sizes = ["data=digits", "trainer.batch_size=10"]
    assert kind_and_work(*sizes, "model=linear") == ("dense", 64 * 10 * 10)
    mlp = 64 * 32 + 32 * 32 + 32 * 10
    assert kind_and_work(*sizes, "model=mlp", "model.width=32") == ("dense", mlp * 10)
    kind, work = kind_and_work(*sizes, "model=cnn", "model.width=4")
    assert (kind, work) == ("convolution", (9 * 4 * 64 + 9 * 4 * 8 * 16 + 32 * 10) * 10)
    kind, work = kind_and_work(*sizes, "model=gru", "model.hidden_size=16")
    assert (kind, work) == ("GRU", ((8 * 48 + 16 * 48) * 8 + 16 * 10) * 10)
    assert kind_and_work(*sizes, "model=lstm")[0] == "LSTM or RNN"
    assert kind_and_work(*sizes, "model=transformer")[0] == "attention"


class Composed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 3), nn.GELU(), nn.BatchNorm1d(3), nn.Identity())


class Own(Composed):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = self.layers(inputs) * self.scale
        return result


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        (Composed(), "dense"),
        (nn.Sequential(Composed(), nn.Conv2d(1, 1, 1)), "convolution"),
        (Own(), None),
        (nn.Sequential(nn.Linear(2, 2), nn.Bilinear(2, 2, 2)), None),
        (nn.MultiheadAttention(4, 2), None),
        (nn.utils.parametrizations.weight_norm(nn.Linear(2, 2)), None),
    ],
)
def test_which_networks_the_rule_knows(model: nn.Module, kind: str | None) -> None:
    assert kind_of(model, None) == kind


def test_more_work_needs_more_trials() -> None:
    for kind, rows in RULE.items():
        works, trials = zip(*rows, strict=True)
        assert list(works) == sorted(works) and list(trials) == sorted(trials)
        assert fewest_trials(kind, 1.0) == trials[0]
        assert fewest_trials(kind, 1e15) == (trials[-1] if works[-1] == math.inf else None)


def test_the_documentation_has_the_rule() -> None:
    lines = (ROOT / "docs/sweeps.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:4]] for line in lines if line.startswith("| ")]
    found = [row for row in cells if row[0] in RULE]
    assert found == [
        [kind, "any" if most == math.inf else f"{most:g}", str(trials)]
        for kind, rows in RULE.items()
        for most, trials in rows
    ]


@pytest.mark.usefixtures("_in_a_folder_of_its_own")
def test_the_rule_decides_without_a_clock(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """However busy the machine is; the choice is in the record of the sweep."""
    monkeypatch.setattr(stacks, "choose_by_timing", lambda *_: pytest.fail("timed"))
    monkeypatch.setattr(timing, "perf_counter", lambda: pytest.fail("timed"))
    for count, together in ((3, False), (4, True)):
        folder = sweep([*QUICK, "model=linear", f"trainer.seed=range({count})"])
        err = capsys.readouterr().err
        said = "as one stack (" if together else "one by one: "
        assert f"{count} trials {said}dense layers, 0.00038 million multiply-adds a step: a stack is faster" in err
        (choice,) = read_json(folder / "sweep.json")["choices"]
        assert (choice["trials"], choice["together"], choice["by"]) == (list(range(count)), together, "rule")
        assert "repeat" not in read_json(folder / "sweep.json")


@pytest.mark.usefixtures("_in_a_folder_of_its_own")
@pytest.mark.parametrize("together", [True, False])
def test_what_a_timing_chooses_can_be_repeated_bit_for_bit(
    together: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A network with weights of its own, which the rule does not know."""
    Path("conf/model").mkdir(parents=True)
    Path("conf/model/own.yaml").write_text("# Own.\n_target_: tests.sweep.odd_parts.Scaled\n")
    words = [*QUICK, "model=own", "trainer.seed=0,1,2", "optimizer=sgd,adam"]
    stacked = 1.0 if together else 9.0
    monkeypatch.setattr(timing, "_seconds", lambda way, *_: stacked if isinstance(way, Stack) else 1.0)
    monkeypatch.setattr("sys.argv", ["mlcli", "train", "-m", *words])
    first = sweep(words)
    repeat = read_json(first / "sweep.json")["repeat"]
    assert f"repeat it with: {repeat}" in capsys.readouterr().err
    assert repeat.endswith("hydra/launcher=stack" if together else "hydra/launcher=serial")
    again = sweep(shlex.split(repeat)[3:])
    for number in range(6):
        own, other = (json.loads((folder / str(number) / "result.json").read_text()) for folder in (first, again))
        assert own["metrics"] == other["metrics"]


def test_choices_of_several_kinds_are_repeated_by_trial() -> None:
    timed, by_rule = Choice(True, "timing", "timed"), Choice(False, "rule", "few")
    choices = {0: timed, 1: by_rule, 2: timed, 3: by_rule}
    fields: dict[str, Any] = recorded(choices, "mlcli train -m hydra/launcher=auto a=1,2", range(5))
    assert fields["repeat"] == "mlcli train -m a=1,2 hydra/launcher=stack 'hydra.launcher.alone=[1,3]'"
    assert sorted(each["trials"] for each in fields["choices"]) == [[0, 2], [1, 3]]
    assert "repeat" not in recorded({0: by_rule}, "mlcli train -m a=1,2", range(1))


@pytest.mark.usefixtures("_in_a_folder_of_its_own")
def test_trials_that_are_named_train_alone(capsys: pytest.CaptureFixture[str]) -> None:
    words = [*QUICK, "model=linear", "trainer.seed=range(4)"]
    alone = sweep([*words, "hydra/launcher=serial"])
    mixed = sweep([*words, "hydra/launcher=stack", "hydra.launcher.alone=[1,3]"])
    assert "2 trials as one stack" in capsys.readouterr().err
    for number in (1, 3):
        own, other = (json.loads((folder / str(number) / "result.json").read_text()) for folder in (mixed, alone))
        assert own["metrics"] == other["metrics"]
