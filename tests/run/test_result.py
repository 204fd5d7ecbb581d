"""result.json of a run, and what the command prints of it."""

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient

from mlcli.cli.result import epoch_hint
from mlcli.cli.training import main

ENDED = {"best_epoch": 3, "epochs": 9, "stopped": None, "metrics": {"lr": 0.1}}


def test_a_result_has_intervals_baseline_speed_and_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["data=iris", "trainer.epochs=2", "tracking.figures=false", "-q"])
    [path] = Path("outputs/runs").glob("*/result.json")
    result = json.loads(path.read_text())
    low, high = result["intervals"]["test/accuracy"]
    assert low < result["metrics"]["test/accuracy"] == high == 1
    assert "test/f1_macro" not in result["intervals"]  # no example was predicted wrong
    assert result["baselines"] == {"test/accuracy": pytest.approx(1 / 3)}  # 10 test examples of each species
    # seconds is rounded to milliseconds
    longest, shortest = result["seconds"] + 0.0006, max(result["seconds"] - 0.0006, 1e-9)
    assert 2 * 90 / longest <= result["examples_per_second"] <= 2 * 90 / shortest
    assert 2**26 < result["peak_memory"] < 2**36  # bytes of a process with torch

    lines = (path.parent / "metrics.jsonl").read_text().splitlines()
    assert all(0.5 < json.loads(line)["metrics"]["train/accuracy"] <= 1 for line in lines)

    printed = capsys.readouterr().out
    [accuracy] = [line.split() for line in printed.splitlines() if "test/accuracy" in line]
    assert accuracy[-1] == "0.3333" and accuracy[3] == "–"
    assert "the last epoch was the best: more epochs may be better, as in trainer.epochs=4" in printed

    client = MlflowClient(f"sqlite:///{tmp_path}/outputs/mlflow.db")
    [run] = client.search_runs([each.experiment_id for each in client.search_experiments()])
    assert run.data.metrics["test/accuracy/low"] == low and run.data.metrics["test/accuracy/high"] == high
    assert run.data.metrics["test/accuracy/baseline"] == result["baselines"]["test/accuracy"]
    for name in ("examples_per_second", "peak_memory"):
        assert run.data.metrics[name] == result[name]


def test_the_best_epoch_gives_a_hint_if_it_is_the_last_or_the_first() -> None:
    assert epoch_hint(ENDED) == ""
    assert "trainer.epochs=18" in epoch_hint(ENDED | {"best_epoch": 9})
    assert "smaller optimizer.lr" in epoch_hint(ENDED | {"best_epoch": 1})
    assert epoch_hint(ENDED | {"best_epoch": 9, "stopped": "time limit of 5 s"}) == ""
    assert epoch_hint(ENDED | {"best_epoch": 1, "epochs": 1}) == ""
    assert epoch_hint(ENDED | {"best_epoch": 9, "metrics": {}}) == ""  # nothing that takes more epochs
