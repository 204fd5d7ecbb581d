"""Unusual models and optimizers in sweeps: tried out before the training, and retried alone if they fail in it."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.run.stacked import build_trials, stack_of
from mlcli.sweep.probe import probe_stack
from mlcli.train.stack.stack import Stack
from tests import commands
from tests.configs import run_config

QUICK = ["tracking=none", "data=iris", "trainer.epochs=4", "device=cpu", "tracking.figures=false"]
ODD = "tests.sweep.odd_parts."


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def sweep(*arguments: str, status: int = 0) -> Path:
    return commands.sweep([*QUICK, *arguments], status)


def rows(folder: Path) -> list[dict[str, Any]]:
    found = json.loads((folder / "trials.json").read_text())["trials"]
    return sorted(found, key=lambda row: int(row["trial"]))


def model(name: str) -> list[str]:
    Path("conf/model").mkdir(parents=True, exist_ok=True)
    Path(f"conf/model/{name.lower()}.yaml").write_text(f"# Odd.\n_target_: {ODD}{name}\n")
    return [f"model={name.lower()}", "trainer.seed=range(4)"]


def optimizer(name: str) -> list[str]:
    Path("conf/optimizer").mkdir(parents=True, exist_ok=True)
    Path(f"conf/optimizer/{name.lower()}.yaml").write_text(f"# Odd.\n_target_: {ODD}{name}\nlr: 0.1\n")
    return ["model=linear", f"optimizer={name.lower()}"]


def test_a_transformer_with_a_padding_mask_stacks(capsys: pytest.CaptureFixture[str]) -> None:
    """Stacked and alone agree, also where the fast path of torch's evaluation would have zeroed padded positions."""
    words = model("Masked")
    together = rows(sweep(*words, "hydra/launcher=stack"))
    assert "4 trials as one stack" in capsys.readouterr().err
    alone = rows(sweep(*words, "hydra/launcher=serial"))
    for own, other in zip(together, alone, strict=True):
        assert own["status"] == "FINISHED" and own["metrics"] == pytest.approx(other["metrics"], rel=1e-5)


def test_an_evaluation_without_a_batching_rule(capsys: pytest.CaptureFixture[str]) -> None:
    folder = sweep(*model("NoBatchingRule"), "hydra/launcher=auto")
    assert [row["status"] for row in rows(folder)] == ["FINISHED"] * 4
    err = capsys.readouterr().err
    assert "4 trials one by one: RuntimeError: vmap: " in err and "Traceback" not in err
    assert "Traceback" in (folder / "train.log").read_text()
    folder = sweep(*model("NoBatchingRule"), "hydra/launcher=stack", status=1)
    assert all(row["reason"].startswith("no stack: RuntimeError: vmap: ") for row in rows(folder))
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("launcher", ["auto", "stack"])
def test_an_optimizer_that_fails_in_a_later_step_fails_its_own_trial_only(
    launcher: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*optimizer("FailsLate"), "+optimizer.fails_at=34,99", "trainer.epochs=1,12", "trainer.seed=0"]
    found = rows(sweep(*words, f"hydra/launcher={launcher}", status=1))
    assert [row["status"] for row in found] == ["FINISHED", "FINISHED", "FAILED", "FINISHED"]
    assert found[2]["reason"] == "RuntimeError: step 34"
    err = capsys.readouterr().err
    assert "a stack of 4 trials failed (RuntimeError: step 34): 2 of them restart, one by one" in err
    assert "Traceback" not in err


def test_an_optimizer_that_exits_fails_its_trials(capsys: pytest.CaptureFixture[str]) -> None:
    folder = sweep(*optimizer("Exits"), "trainer.seed=0,1", status=1)
    assert [row["reason"].partition(" (")[0] for row in rows(folder)] == ["SystemExit: 3"] * 2
    assert "Traceback" not in capsys.readouterr().err


def test_weights_that_cannot_be_saved_fail_each_trial_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def shared(*_: Any, **__: Any) -> None:
        raise RuntimeError("\n  some tensors share memory\nand more")

    monkeypatch.setattr("mlcli.run.build.save_weights", shared)
    found = rows(sweep("model=linear", "trainer.seed=0,1", "hydra/launcher=stack", status=1))
    assert [row["reason"] for row in found] == ["RuntimeError: some tensors share memory"] * 2
    err = capsys.readouterr().err
    assert "restart" not in err and "Traceback" not in err


@pytest.mark.parametrize(
    "words",
    [
        ["data=digits", "model=cnn", "model.norm=batch_norm", "trainer.average=ema", "scheduler=plateau"],
        ["data=digits", "task=clustering", "model=kmeans"],
        ["task=control", "model=q_table", "data=frozen_lake"],
        ["data=sinusoids", "task=meta_learning", "model=mlp", "model.width=8"],
    ],
    ids=lambda words: words[-1],
)
def test_trying_out_changes_no_trial(words: list[str]) -> None:
    cfgs = [run_config(*words, "device=cpu", f"trainer.seed={seed}") for seed in range(3)]
    found = []
    for tried in (True, False):
        parts = build_trials(cfgs)
        if tried:
            probe_stack(parts, cfgs)
        stack = stack_of(parts)
        for _, batch in zip(range(3), stack.batches(0), strict=False):
            stack.step(batch)
        found.append(stack.weights())
    assert all(torch.equal(weights, found[1][name]) for name, weights in found[0].items())


def test_what_an_evaluation_raises_is_raised_before_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    with hydra_session() as hydra:
        words = ["data=iris", "model=mlp", "device=cpu", "trainer.layer_statistics=true"]
        cfgs = [to_run(compose(hydra, [*words, f"trainer.seed={seed}"])) for seed in range(3)]
    parts = build_trials(cfgs)
    for name in ("evaluate", "layer_statistics", "weights", "keep", "write_back"):
        with monkeypatch.context() as patch:
            patch.setattr(Stack, name, lambda *_, named=name, **__: {}[named])
            with pytest.raises(KeyError, match=name):
                probe_stack(parts, cfgs)
