"""Formats of run folders: those of format 1, as an earlier version wrote them, still open; a newer one is refused.

tests/fixtures/format_1 holds a classifier, a PCA and a sweep of two trials of mlcli 0.1.0, before `run.json` had a
format: with `answer` and `trainer.watch` in their configs.
"""

import csv
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcli import renamed
from mlcli.cli.app import main
from mlcli.cli.training import main as train
from mlcli.run.evaluate import evaluate_run
from mlcli.serve.predictor import Predictor
from mlcli.store.find import find
from mlcli.store.folder import RunFolder
from mlcli.store.format import FORMAT
from mlcli.store.query import query
from mlcli.store.records import read_json

STORED = Path(__file__).resolve().parent.parent / "fixtures" / "format_1"
QUICK = ["-q", "trainer.epochs=1", "tracking=none", "tracking.figures=false", "device=cpu"]


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STORED, tmp_path / "outputs"))


def command(line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of `mlcli LINE`."""
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", ["mlcli", *line.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    status = ended.value.code
    captured = capsys.readouterr()
    return int(status or 0), captured.out, captured.err


def record_of(outputs: Path, name: str) -> tuple[Path, dict[str, Any]]:
    path = find(name, outputs).folder.path / "run.json"
    return path, json.loads(path.read_text())


def test_format_1_is_listed_shown_and_compared(
    outputs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    status, listed, _ = command("runs", monkeypatch, capsys)
    names = {line.split("\t")[1] for line in listed.splitlines()}
    assert status == 0 and {"format-1", "format-1-pca", "format-1-sweep"} <= names
    status, shown, said = command("show format-1", monkeypatch, capsys)
    assert status == 0 and "test/accuracy" in shown and "trainer.layer_statistics" in shown and said == ""
    status, shown, _ = command("show format-1-sweep", monkeypatch, capsys)
    assert status == 0 and "2 trials by val/loss" in shown
    status, compared, _ = command("compare format-1-sweep", monkeypatch, capsys)
    assert status == 0 and "optimizer.lr" in compared and (tmp_path / "compare.png").exists()


def test_filters_of_format_1(outputs: Path) -> None:
    """By keys of today, and by the target of a group, since no options are recorded."""
    assert [row["name"] for row in query(outputs, ["trainer.layer_statistics=true"], "started")] == ["format-1"]
    assert [row["name"] for row in query(outputs, ["model=pca"], "started")] == ["format-1-pca"]


def test_format_1_is_evaluated_and_predicts(outputs: Path) -> None:
    run = find("format-1", outputs)
    stored = run.result()["metrics"]
    found = evaluate_run("format-1", outputs, [], None, None)
    assert found["test/accuracy"] == pytest.approx(stored["test/accuracy"])
    assert evaluate_run("format-1-pca", outputs, [], "train", None)
    example = read_json(run.folder.path / "model" / "example.json")
    inputs = np.array(example["inputs"]["data"], dtype=np.float32)
    predicted = Predictor(run.folder.path / "model").predict(inputs)
    with (run.folder.path / "predictions" / "test.csv").open() as file:
        expected = [row["prediction"] for row in list(csv.DictReader(file))[: len(predicted["prediction"])]]
    assert [str(each) for each in predicted["prediction"]] == expected


def test_format_1_gives_its_weights(outputs: Path) -> None:
    train([*QUICK, "model.width=16", "model.init_from=format-1", f"outputs={outputs}", "name=after"])
    tensors = read_json(find("after", outputs).folder.path / "transfer.json")["tensors"]
    assert tensors and all(tensor["loaded"] for tensor in tensors)


def test_metrics_of_format_1_have_the_names_of_today(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the result, the journal and the report of a sweep; but not a metric of the user's own task, nor in a folder
    of today."""
    monkeypatch.setitem(renamed.METRICS, "accuracy", "r2")
    run, sweep = find("format-1", outputs), find("format-1-sweep", outputs)
    assert {"test/r2", "val/r2"} < set(run.metrics()) and "test/accuracy" not in run.metrics()
    assert all("val/r2" in line["metrics"] for line in run.history())
    trials = sweep.folder.read("trials.json")["trials"]
    assert all("test/r2" in trial["metrics"] for trial in trials)
    best = query(outputs, [], "test/r2")[0]
    assert best["metrics"]["test/r2"] == max(row["metrics"].get("test/r2", 0) for row in trials)
    assert "train/explained_variance_ratio" in find("format-1-pca", outputs).metrics()  # was train/explained
    path, record = record_of(outputs, "format-1")
    for changes in ({"directions": {"accuracy": "max"}}, {"format": FORMAT}):
        path.write_text(json.dumps(record | changes))
        assert "test/accuracy" in find("format-1", outputs).metrics()


def test_what_a_run_of_today_records(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    train([*QUICK, "data=iris", "model=linear", f"outputs={outputs}", "name=now"])
    _, record = record_of(outputs, "now")
    assert record["format"] == FORMAT
    expected = {"data": "iris", "model": "linear", "optimizer": "adam", "task": "classification"}
    assert expected.items() <= record["options"].items()
    assert not any(group.startswith("hydra") for group in record["options"])
    assert [row["name"] for row in query(outputs, ["model=linear"], "started")] == ["now"]
    assert query(outputs, ["model=mlp"], "started") == []


def test_options_of_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has its own; the sweep has those that are the same in all."""
    monkeypatch.chdir(tmp_path)
    train([*QUICK, "-m", "data=iris", "model=linear,mlp", "trainer.seed=0,1"])
    (sweep,) = Path("outputs/sweeps").iterdir()
    options = [json.loads((sweep / str(trial) / "run.json").read_text())["options"] for trial in range(4)]
    assert [each["model"] for each in options] == ["linear", "linear", "mlp", "mlp"]
    whole = json.loads((sweep / "sweep.json").read_text())
    assert whole["format"] == FORMAT and whole["options"]["data"] == "iris" and "model" not in whole["options"]


NEWER = "written by mlcli 9.1.0 in format 3; mlcli 0.1.0 reads formats up to 2: upgrade mlcli"


@pytest.mark.parametrize(
    "line", ["show format-1", "evaluate format-1", "predict format-1 in.csv", "compare format-1 format-1-pca"]
)
def test_a_newer_format_is_refused(
    outputs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, line: str
) -> None:
    """In one line with the version that wrote it; the other runs are listed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.csv").write_text("a\n1\n")
    path, record = record_of(outputs, "format-1")
    path.write_text(json.dumps({"format": 3, "id": record["id"], "whatever": [1]}))
    environment = path.with_name("environment.json")
    environment.write_text(json.dumps(read_json(environment) | {"mlcli": "9.1.0"}))
    status, _, said = command(line.replace("format-1", record["id"], 1), monkeypatch, capsys)
    assert (status, said.count("\n")) == (2, 1) and NEWER in said
    status, listed, _ = command("runs --json", monkeypatch, capsys)
    rows = {row["id"]: row for row in json.loads(listed)}
    assert status == 0 and len(rows) == 5
    assert rows[record["id"]]["status"] == "NEWER" and NEWER in rows[record["id"]]["reason"]
    assert query(outputs, ["status=finished"], "started")


def test_weights_of_a_newer_format_are_refused(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, record = record_of(outputs, "format-1")
    path.write_text(json.dumps({"format": 3}))
    with pytest.raises(SystemExit) as ended:
        train([*QUICK, f"model.init_from={record['id']}", f"outputs={outputs}"])
    assert ended.value.code == 2 and "upgrade mlcli" in capsys.readouterr().err


def test_a_record_of_a_newer_format_is_not_touched(outputs: Path) -> None:
    """As the courier would, which marks runs whose process is gone."""
    from mlcli.store.status import mark_dead

    path, _ = record_of(outputs, "format-1")
    text = json.dumps({"format": 3, "status": "RUNNING"})
    path.write_text(text)
    mark_dead(path.parent)
    assert path.read_text() == text and RunFolder(path.parent).history()
