"""The report of a sweep: ranking, means over repeats, and files."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf

from mlcli.figure.plot import Plot
from mlcli.run.job import Job
from mlcli.store.folder import RunFolder
from mlcli.store.records import write_json
from mlcli.sweep.ranking import rank, repeat_groups
from mlcli.sweep.report import report, row
from mlcli.sweep.trial import Trial

SCORES = {(0.1, 0): 0.30, (0.1, 1): 0.20, (0.1, 2): 0.40, (0.01, 0): 0.25, (0.01, 1): 0.28, (0.01, 2): 0.27}


def trial(number: int, swept: dict[str, Any], score: float | None, folder: Path, status: str = "FINISHED") -> Trial:
    cfg = OmegaConf.create(
        {
            "name": None,
            "task": {"_target_": "mlcli.task.classification.Classification"},
            "trainer": {"monitor": "val/loss"},
            "tracking": {"figures": "draw" in folder.name},
        }
    )
    metrics = {} if score is None else {"val/loss": score, "test/accuracy": 1 - score}
    job = Job(cfg, [], folder / str(number), "mlcli train", f"sweep-{number}", trial=number, swept=swept)
    return Trial(number, job, status, None, {"seconds": 1.0, "metrics": metrics} if metrics else {})


def repeats(folder: Path) -> list[Trial]:
    return [
        trial(i, {"optimizer.lr": lr, "trainer.seed": seed}, score, folder)
        for i, ((lr, seed), score) in enumerate(SCORES.items())
    ]


def told(folder: Path, trials: list[Trial]) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    write_json(folder / "sweep.json", {"status": "RUNNING", "name": "rates", "id": "1"})
    report(RunFolder(folder, "sweep.json"), trials, Plot.save)
    return dict(json.loads((folder / "trials.json").read_text()))


def test_repeats_are_grouped_best_mean_first(tmp_path: Path) -> None:
    content = told(tmp_path, repeats(tmp_path))
    assert [group["swept"] for group in content["groups"]] == [{"optimizer.lr": 0.01}, {"optimizer.lr": 0.1}]
    assert [group["trials"] for group in content["groups"]] == [[3, 4, 5], [0, 1, 2]]
    for group in content["groups"]:
        scores = np.array([score for (lr, _), score in SCORES.items() if lr == group["swept"]["optimizer.lr"]])
        for name, values in (("val/loss", scores), ("test/accuracy", 1 - scores)):
            assert group["metrics"][name]["mean"] == pytest.approx(values.mean())
            assert group["metrics"][name]["std"] == pytest.approx(values.std(ddof=1))
            assert group["metrics"][name]["count"] == 3
    # The best seed of the best configuration, and not the best seed of all, which is of the other one.
    assert content["best_trial"] == 3 and json.loads((tmp_path / "sweep.json").read_text())["best_trial"] == 3
    with (tmp_path / "groups.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["optimizer.lr"] for line in lines] == ["0.01", "0.1"] and lines[0]["finished"] == "3"
    assert float(lines[1]["val/loss mean"]) == pytest.approx(0.3)
    assert float(lines[1]["val/loss std"]) == pytest.approx(0.1)


def test_what_failed_or_was_pruned_counts_in_no_mean(tmp_path: Path) -> None:
    trials = repeats(tmp_path)
    trials[0].status, trials[0].result = "FAILED", {}
    trials[2].status, trials[2].result["metrics"]["val/loss"] = "PRUNED", 0.01
    for each in trials[3:]:
        each.status = "PRUNED"
    first, second = told(tmp_path, trials)["groups"]
    assert first["metrics"]["val/loss"] == {"mean": 0.2, "std": None, "count": 1}
    assert first["statuses"] == {"FAILED": 1, "FINISHED": 1, "PRUNED": 1} and first["status"] == "FINISHED"
    # Nothing of it has finished: what it had when it was pruned is told, behind all that finished.
    assert second["status"] == "PRUNED" and second["metrics"]["val/loss"]["count"] == 3


def test_pruned_trials_rank_between_finished_and_failed(tmp_path: Path) -> None:
    wanted = [("FINISHED", 0.2), ("FINISHED", 0.9), ("FINISHED", None), ("PRUNED", 0.1), ("FAILED", None)]
    given = [4, 3, 0, 2, 1]
    trials = [trial(i, {"model": str(i)}, wanted[i][1], tmp_path, wanted[i][0]) for i in given]
    assert [each["trial"] for each in rank([row(each, "val/loss") for each in trials], "val/loss")] == [0, 1, 2, 3, 4]
    accuracies = [row(trial(i, {}, score, tmp_path), "test/accuracy") for i, score in enumerate((0.2, 0.1, 0.3))]
    assert [each["trial"] for each in rank(accuracies, "test/accuracy")] == [1, 0, 2]


@pytest.mark.parametrize(
    "swept",
    [
        [{"optimizer.lr": 0.1}, {"optimizer.lr": 0.2}],
        [{"optimizer.lr": 0.1, "trainer.seed": 1}, {"optimizer.lr": 0.2, "trainer.seed": 2}],  # drawn at random
        [{}],
    ],
)
def test_without_repeats_there_are_no_groups(swept: list[dict[str, Any]], tmp_path: Path) -> None:
    assert told(tmp_path, [trial(i, each, 0.1, tmp_path) for i, each in enumerate(swept)])["groups"] == []
    assert not (tmp_path / "groups.csv").exists()


def test_numbers_that_are_not_finite_are_left_out(tmp_path: Path) -> None:
    trials = repeats(tmp_path)
    trials[0].result["metrics"]["val/loss"] = math.nan
    trials[3].job.swept["trainer.clip_norm"] = math.inf
    content = told(tmp_path, trials[:3])
    assert content["trials"][0]["metrics"]["val/loss"] is None
    assert content["groups"][0]["metrics"]["val/loss"]["count"] == 2
    assert row(trials[3], "val/loss")["swept"]["trainer.clip_norm"] == "inf"


def test_a_failed_sweep_is_reported(tmp_path: Path) -> None:
    trials = [trial(i, {"trainer.seed": i}, None, tmp_path, "FAILED") for i in range(3)]
    content = told(tmp_path, trials)
    assert content["best_trial"] is None and content["groups"][0]["metrics"] == {}
    assert repeat_groups(content["trials"], "val/loss") == content["groups"]


def test_curves_of_the_best_dozen_are_drawn(tmp_path: Path) -> None:
    folder = tmp_path / "draw"
    trials = [trial(i, {"optimizer.lr": 10.0 ** -(i + 1)}, 1 / (i + 1), folder) for i in range(15)]
    for each in trials:
        each.job.path.mkdir(parents=True)
        line = {"epoch": 1, "step": 9, "time": 0.0, "metrics": each.result["metrics"]}
        (each.job.path / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    for each in trials[:3]:  # the worst three, which nobody should open
        (each.job.path / "metrics.jsonl").write_text("{broken}\n")
    told(folder, trials)
    assert len(json.loads((folder / "figures" / "compare.json").read_text())["curves"]) == 12
    assert {path.name for path in (folder / "figures").glob("*.png")} == {"compare.png", "sweep.png"}
