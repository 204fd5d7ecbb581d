"""Sweeps by every strategy: the same runs come out, and a failure affects its own trial only."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from mlcli.cli.training import main
from mlcli.run import stack_size, stacked
from mlcli.run.load import load_run
from mlcli.store.folder import RunFolder
from tests import commands
from tests.configs import run_config

QUICK = ["tracking=none", "sweep.figures=0", "model=mlp", "model.width=16", "trainer.epochs=3", "device=cpu"]
GRID = ["optimizer.lr=1e-3,4e-3", "trainer.seed=0,1"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def sweep(*arguments: str, status: int = 0) -> Path:
    """Runs a sweep in this process. Returns its folder."""
    return commands.sweep([*QUICK, *arguments], status)


def record(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "run.json").read_text()))


def result(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "result.json").read_text()))


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("strategy", ["stack", "processes"])
def test_trials_come_out_as_if_they_had_trained_one_by_one(strategy: str, capsys: pytest.CaptureFixture[str]) -> None:
    alone = sweep(*GRID, "hydra/launcher=serial")
    other = sweep(*GRID, f"hydra/launcher={strategy}")
    if strategy == "stack":
        assert "4 trials as one stack" in capsys.readouterr().err
    for number in ("0", "1", "2", "3"):
        mine, theirs = other / number, alone / number
        assert (
            files(mine) == files(theirs) >= {"run.json", "config.yaml", "metrics.jsonl", "model/weights.safetensors"}
        )
        assert record(mine)["status"] == "FINISHED" and record(mine)["parent"] == other.name
        assert (mine / "config.yaml").read_text() == (theirs / "config.yaml").read_text().replace(
            alone.name, other.name
        ) or strategy == "processes"
        assert result(mine)["metrics"] == pytest.approx(result(theirs)["metrics"], rel=1e-3, abs=1e-5)
        lines = [json.loads(line) for line in (mine / "metrics.jsonl").read_text().splitlines()]
        assert [line["epoch"] for line in lines] == [1, 2, 3]
        weights, expected = (load_file(each / "model" / "weights.safetensors") for each in (mine, theirs))
        assert all(torch.allclose(weights[name], expected[name], rtol=1e-3, atol=1e-5) for name in expected)
    parts = load_run(RunFolder(other / "2"), RunFolder(other / "2").config())
    assert float(parts.task.evaluate("test").metrics["accuracy"]) == pytest.approx(
        result(other / "2")["metrics"]["test/accuracy"]
    )


def test_the_folds_of_a_cross_validation_are_one_stack(capsys: pytest.CaptureFixture[str]) -> None:
    """Test splits of 359 and 360 examples side by side."""
    folds = ["split.folds=5", "split.fold=range(5)"]
    alone = sweep(*folds, "hydra/launcher=serial")
    other = sweep(*folds, "hydra/launcher=stack")
    assert "5 trials as one stack" in capsys.readouterr().err
    tested = []
    for number in "01234":
        mine, theirs = result(other / number)["metrics"], result(alone / number)["metrics"]
        assert mine == pytest.approx(theirs, rel=1e-3, abs=1e-5)
        with (other / number / "predictions" / "test.csv").open() as file:
            tested += [int(row["index"]) for row in csv.DictReader(file)]
    assert sorted(tested) == list(range(1797))


def test_a_sweep_over_what_changes_shapes_makes_a_stack_of_each(capsys: pytest.CaptureFixture[str]) -> None:
    folder = sweep("model.width=8,16", "trainer.batch_size=32,64", *GRID, "hydra/launcher=stack", "trainer.epochs=1")
    assert capsys.readouterr().err.count("4 trials as one stack") == 4
    rows = json.loads((folder / "trials.json").read_text())["trials"]
    assert [row["status"] for row in rows] == ["FINISHED"] * 16


def test_a_trial_that_diverges_fails_alone(capsys: pytest.CaptureFixture[str]) -> None:
    folder = sweep("optimizer=sgd", "optimizer.lr=0.1,1e30,0.05", "hydra/launcher=stack", status=1)
    assert [record(folder / number)["status"] for number in "012"] == ["FINISHED", "FAILED", "FINISHED"]
    assert "at step" in record(folder / "1")["reason"]
    assert "trial 1 (lr=1e+30) failed: loss is" in capsys.readouterr().err
    assert (folder / "1" / "last.safetensors").exists()


def test_what_does_not_stack_says_why_and_trains_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    folder = sweep(*GRID, "trainer.max_time=100")
    assert "4 trials one by one: trainer.max_time limits each run's own time" in capsys.readouterr().err
    assert all(record(folder / number)["status"] == "FINISHED" for number in "0123")


def test_a_stack_that_runs_out_of_memory_goes_on_in_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second epoch of a stack of four does not fit; halves of two do."""
    drive, stack_of = stacked._train_together, stacked.stack_of
    sizes: list[int] = []

    def scarce(members: Any, watch: Any, alone: bool) -> None:
        sizes.append(len(members))

        def at_the_limit(member: Any, event: Any) -> None:
            watch(member, event)
            if len(members) > 2 and event is not None and event.epoch == 2:
                raise torch.OutOfMemoryError("CUDA out of memory")

        drive(members, at_the_limit, alone)

    plain = sweep(*GRID, "hydra/launcher=stack")
    monkeypatch.setattr(stacked, "_train_together", scarce)
    folder = sweep(*GRID, "hydra/launcher=stack")
    assert sizes == [4, 2, 2] and stack_of is stacked.stack_of
    for number in "0123":
        assert len((folder / number / "metrics.jsonl").read_text().splitlines()) == 3
        assert result(folder / number)["metrics"] == result(plain / number)["metrics"]


def test_a_group_is_cut_to_what_fits(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    available = 3 * one_trial(stack_size) / stack_size.SHARE
    monkeypatch.setattr(stack_size, "free_memory", lambda device: available)
    folder = sweep(*GRID, "hydra/launcher=stack")
    assert "4 trials as stacks of 3" in capsys.readouterr().err
    assert all(record(folder / number)["status"] == "FINISHED" for number in "0123")


def one_trial(module: Any) -> float:
    from mlcli.run.build import build

    return float(module.bytes_per_trial(build(run_config(*QUICK)))) * 1.01


def test_halving_prunes_the_worst_half_at_each_rung() -> None:
    rates = ",".join(f"{10**-rate:g}" for rate in range(1, 9))
    folder = sweep(f"optimizer.lr={rates}", "trainer.epochs=8", "sweep.halving=true", "sweep.metric=val/accuracy")
    lengths = [len((folder / str(i) / "metrics.jsonl").read_text().splitlines()) for i in range(8)]
    assert sorted(lengths) == [1] * 4 + [2] * 2 + [4] + [8]
    statuses = [record(folder / str(i))["status"] for i in range(8)]
    assert statuses.count("PRUNED") == 7 and statuses.count("FINISHED") == 1
    first = [json.loads((folder / str(i) / "metrics.jsonl").read_text().splitlines()[0]) for i in range(8)]
    scores = [line["metrics"]["val/accuracy"] for line in first]
    kept = [score for score, length in zip(scores, lengths, strict=True) if length > 1]
    assert min(kept) >= sorted(scores)[3]
    pruned = lengths.index(1)
    assert "of 8 by val/accuracy at the rung of epoch 1" in record(folder / str(pruned))["reason"]
    assert result(folder / str(pruned))["epochs"] == 1
    ranks = [row["rank"] for row in json.loads((folder / "trials.json").read_text())["trials"]]
    assert [rank for rank, length in zip(ranks, lengths, strict=True) if length < 8] == [None] * 7


def test_halving_prunes_all_seeds_of_a_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    """Seeds come first, so that stacks of 5 would part them: 4 rates of 3 seeds are stacks of 3, one rate each, if
    they have to be; together they are one stack, in which two rates are pruned."""
    settings = ["trainer.seed=0,1,2", "optimizer.lr=1e-5,1e-4,3e-3,1e-2", "sweep.halving=true", "sweep.rungs=[1]"]
    folder = sweep(*settings)
    rows = json.loads((folder / "trials.json").read_text())["trials"]
    assert {row["swept"]["optimizer.lr"] for row in rows if row["status"] == "PRUNED"} == {1e-5, 1e-4}
    assert [row["status"] for row in rows].count("PRUNED") == 6
    assert "by the mean val/loss of 3 seeds at the rung of epoch 1" in rows[0]["reason"]
    shown = capsys.readouterr().out
    assert shown.count("3 PRUNED at epoch 1") == 2 and "0/3" in shown and "2/3" not in shown
    groups = json.loads((folder / "trials.json").read_text())["groups"]
    assert [group["rank"] for group in groups][2:] == [None, None]


def test_seeds_alone_are_not_pruned(capsys: pytest.CaptureFixture[str]) -> None:
    folder = sweep("trainer.seed=0,1,2,3", "sweep.halving=true", "sweep.rungs=[1]")
    assert [record(folder / number)["status"] for number in "0123"] == ["FINISHED"] * 4
    assert "these trials differ only in their seeds, so none is pruned" in capsys.readouterr().err


def test_repeats_are_a_sweep_over_seeds() -> None:
    try:
        main([*QUICK, "trainer.repeats=3", "trainer.seed=5"])
    except SystemExit as end:
        assert not end.code
    (folder,) = Path("outputs/sweeps").iterdir()
    with (folder / "trials.csv").open() as file:
        assert [row["trainer.seed"] for row in csv.DictReader(file)] == ["5", "6", "7"]


def test_figures_are_drawn_for_the_best_alone() -> None:
    folder = sweep("optimizer.lr=1e-5,4e-3", "sweep.figures=1")
    assert (folder / "1" / "figures" / "confusion_matrix.png").exists()
    assert not (folder / "0" / "figures").exists()
    assert json.loads((folder / "sweep.json").read_text())["drawn"] == [1]


def test_an_automatic_rate_is_found_and_its_curve_kept(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        main([*QUICK, "optimizer.lr=auto", "trainer.epochs=4"])
    except SystemExit as end:
        assert not end.code
    (folder,) = Path("outputs/runs").iterdir()
    curve = json.loads((folder / "figures" / "lr_range.json").read_text())
    rate = RunFolder(folder).config().optimizer.lr
    assert rate == curve["picked"] and 1e-4 < rate < 0.1
    best = min(loss for loss in curve["losses"] if loss is not None)
    assert curve["losses"][0] > 2 * best and curve["rates"][0] < rate < curve["rates"][-1]
    assert result(folder)["metrics"]["test/accuracy"] > 0.9
    assert f"optimizer.lr={rate:g}, found" in capsys.readouterr().err


def test_mistakes_are_told_before_anything_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, said in (
        (["-m", "optimizer.lr=auto,0.1"], "optimizer.lr=auto finds the learning rate of a single run"),
        (["-m", "trainer.repeats=2", "trainer.seed=1,2"], "trainer.repeats sweeps over seeds itself"),
        (["optimizer.lr=auto", "optimizer.eps=-1"], "optimizer.eps=-1: must be at least 0"),
        (["-m", "sweep.figures=some", "trainer.seed=1,2"], "sweep.figures=some: must be a whole number, or all"),
    ):
        with pytest.raises(SystemExit) as end:
            main([*QUICK, *arguments])
        assert end.value.code == 2
        assert said in capsys.readouterr().err
    assert not Path("outputs").exists()
