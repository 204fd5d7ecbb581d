"""The command line end to end: real processes, exit statuses, files, and MLflow read with its own client."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

Run = Callable[..., subprocess.CompletedProcess[str]]


def only(folder: Path) -> Path:
    """The one entry of a folder."""
    (entry,) = folder.iterdir()
    return entry


def client(folder: Path) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{folder}/outputs/mlflow.db")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def trained(mlcli: Run, work: Path) -> Path:
    """The folder of one finished run."""
    done = mlcli("train", "model=mlp", "trainer.epochs=3", "name=first", cwd=work)
    assert done.returncode == 0, done.stderr
    assert "test/accuracy" in done.stdout and "test/" not in done.stderr
    assert "epoch 3/3" in done.stderr
    return only(work / "outputs" / "runs")


@pytest.fixture(scope="module")
def swept(mlcli: Run, work: Path, trained: Path) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The folder of a sweep with trials that fail, and the finished process."""
    arguments = ["-m", "model=mlp,cnn", "data=breast_cancer", "optimizer.lr=1e-3,1e-2", "trainer.epochs=2"]
    done = mlcli("train", *arguments, cwd=work)
    return only(work / "outputs" / "sweeps"), done


def result(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "result.json").read_text()))


def test_the_run_folder_is_complete(trained: Path) -> None:
    names = {path.name for path in trained.iterdir() if not path.name.startswith(".")}
    assert names >= {
        "run.json", "config.yaml", "overrides.yaml", "environment.json", "data.json", "splits.safetensors",
        "metrics.jsonl", "result.json", "model", "last.safetensors", "figures", "predictions",
    }  # fmt: skip
    assert json.loads((trained / "run.json").read_text())["status"] == "FINISHED"
    assert len((trained / "metrics.jsonl").read_text().splitlines()) == 3
    splits = load_file(trained / "splits.safetensors")
    assert len(np.unique(np.concatenate(list(splits.values())))) == 1797


def test_every_figure_has_its_data(trained: Path) -> None:
    pictures = {path.stem for path in (trained / "figures").glob("*.png")}
    data = {path.stem for path in (trained / "figures").glob("*.json")}
    assert pictures == data
    assert pictures >= {
        "confusion_matrix", "confusion_matrix_normalised", "roc", "precision_recall", "calibration",
        "learning_curves", "worst_mistakes",
    }  # fmt: skip


def test_metrics_equal_those_of_scikit_learn_on_the_saved_predictions(trained: Path) -> None:
    from sklearn import metrics as sk

    with (trained / "predictions" / "test.csv").open() as file:
        rows = list(csv.DictReader(file))
    classes = [str(digit) for digit in range(10)]
    y = np.array([row["target"] for row in rows])
    predicted = np.array([row["prediction"] for row in rows])
    p = np.array([[float(row[f"probability/{name}"]) for name in classes] for row in rows])
    p = p / p.sum(1, keepdims=True)
    scores = result(trained)["metrics"]
    expected = {
        "accuracy": sk.accuracy_score(y, predicted),
        "balanced_accuracy": sk.balanced_accuracy_score(y, predicted),
        "precision_macro": sk.precision_score(y, predicted, average="macro", zero_division=0),
        "recall_macro": sk.recall_score(y, predicted, average="macro", zero_division=0),
        "f1_macro": sk.f1_score(y, predicted, average="macro", zero_division=0),
        "log_loss": sk.log_loss(y, p, labels=classes),
        "roc_auc": sk.roc_auc_score(y, p, multi_class="ovr", labels=classes),
        "average_precision": np.mean([sk.average_precision_score(y == c, p[:, i]) for i, c in enumerate(classes)]),
        "matthews_corrcoef": sk.matthews_corrcoef(y, predicted),
    }
    for name, value in expected.items():
        assert scores[f"test/{name}"] == pytest.approx(value, rel=1e-6), name
    for i, f1 in enumerate(sk.f1_score(y, predicted, average=None, labels=classes)):
        assert scores[f"test/f1/{i}"] == pytest.approx(f1)


def test_the_same_command_gives_the_same_numbers(mlcli: Run, trained: Path, tmp_path: Path) -> None:
    done = mlcli("train", "model=mlp", "trainer.epochs=3", "tracking=none", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    again = only(tmp_path / "outputs" / "runs")
    assert result(again)["metrics"] == result(trained)["metrics"]
    first, second = (
        [json.loads(line)["metrics"] for line in (run / "metrics.jsonl").read_text().splitlines()]
        for run in (trained, again)
    )
    assert first == second
    for name, weights in load_file(trained / "model" / "weights.safetensors").items():
        assert np.array_equal(weights, load_file(again / "model" / "weights.safetensors")[name])


def test_mlflow_has_the_run(trained: Path, work: Path) -> None:
    mlflow = client(work)
    (found,) = mlflow.search_runs(
        [mlflow.get_experiment_by_name("mlcli").experiment_id], "tags.mlflow.runName = 'first'"
    )
    assert found.info.status == "FINISHED"
    assert found.data.params["optimizer.lr"] == "0.002"
    assert found.data.params["trainer.epochs"] == "3"
    assert found.data.metrics["test/accuracy"] == pytest.approx(result(trained)["metrics"]["test/accuracy"])
    history = mlflow.get_metric_history(found.info.run_id, "val/loss")
    lines = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    assert [(m.step, m.value) for m in history] == [
        (line["epoch"], pytest.approx(line["metrics"]["val/loss"])) for line in lines
    ]
    artifacts = {file.path for file in mlflow.list_artifacts(found.info.run_id)}
    assert artifacts >= {"config.yaml", "figures", "result.json"}
    assert found.inputs.dataset_inputs[0].dataset.name == "digits"
    assert "mlcli train model=mlp" in found.data.tags["mlflow.source.name"]


def test_the_logged_model_predicts(trained: Path, work: Path) -> None:
    """In its own process, as for serving, without pickle."""
    code = f"""
import json, mlflow, numpy as np
mlflow.set_tracking_uri("sqlite:///{work}/outputs/mlflow.db")
named = "tags.mlflow.runName = 'first'"
(run,) = mlflow.search_runs(search_all_experiments=True, filter_string=named, output_format="list")
model = mlflow.pyfunc.load_model(f"runs:/{{run.info.run_id}}/model")
example = json.load(open("{trained}/model/example.json"))
given = np.array(example["inputs"]["data"], dtype=np.float32)
predictions = model.predict(given, params={{"probabilities": True}})
assert model.predict(given).tolist() == predictions["prediction"].tolist()
print(json.dumps([list(predictions.columns), predictions.values.tolist()]))
"""
    env = os.environ | {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    columns, rows = json.loads(done.stdout.splitlines()[-1])
    example = json.loads((trained / "model" / "example.json").read_text())
    assert columns == example["outputs"]["columns"]
    for row, expected in zip(rows, example["outputs"]["data"], strict=True):
        assert row[0] == expected[0]
        assert row[1:] == pytest.approx(expected[1:], rel=1e-5)


def test_evaluate_repeats_the_runs_own_metrics(mlcli: Run, trained: Path, work: Path) -> None:
    done = mlcli("evaluate", "first", "device=cpu", "--json", cwd=work)
    assert done.returncode == 0, done.stderr
    own = {name: value for name, value in result(trained)["metrics"].items() if name.startswith("test/")}
    assert json.loads(done.stdout) == own


def test_evaluate_rejects_training_examples_and_other_shapes(mlcli: Run, trained: Path, work: Path) -> None:
    for override, words in (("split.seed=5", "trained on"), ("data=iris", "trained on shape")):
        refused = mlcli("evaluate", str(trained), override, cwd=work)
        assert refused.returncode == 2
        assert words in refused.stderr and "Traceback" not in refused.stderr


def test_evaluate_on_other_data(mlcli: Run, tmp_path: Path) -> None:
    """New house prices from the same formula."""
    arguments = [
        "task=regression",
        "optimizer.lr=0.05",
        "trainer.epochs=30",
        "tracking=none",
        "tracking.figures=false",
    ]
    assert mlcli("train", *arguments, cwd=tmp_path).returncode == 0
    done = mlcli("evaluate", "last", "data.seed=1", "data.examples=5000", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["test/rmse"] == pytest.approx(20, rel=0.1)  # the noise of the formula


def test_runs_lists_filters_and_sorts(mlcli: Run, trained: Path, swept: Any, work: Path) -> None:
    rows = json.loads(
        mlcli("runs", "--json", "model=mlp", "status=finished", "--sort", "test/accuracy", cwd=work).stdout
    )
    accuracies = [row["metrics"]["test/accuracy"] for row in rows if row["metrics"]]
    assert accuracies == sorted(accuracies, reverse=True)
    assert "first" in {row["name"] for row in rows}
    assert "first" in mlcli("runs", cwd=work).stdout
    assert mlcli("runs", "--sort", "nothing", cwd=work).returncode == 2


def test_show_names_settings_metrics_and_figures(mlcli: Run, trained: Path, work: Path) -> None:
    shown = mlcli("show", trained.name[:-2], cwd=work).stdout
    for word in (
        "FINISHED",
        "trainer.epochs\t3",
        "test/accuracy",
        "parameters",
        "confusion_matrix.png",
        str(trained),
    ):
        assert word in shown
    assert "optimizer.lr" not in shown  # at its default


def test_compare_shows_only_what_differs(mlcli: Run, swept: Any, work: Path) -> None:
    folder, _ = swept
    done = mlcli("compare", str(folder / "0"), str(folder / "1"), "-o", "both.png", cwd=work)
    assert done.returncode == 0, done.stderr
    assert "optimizer.lr" in done.stdout and "trainer.epochs" not in done.stdout
    assert "*" in done.stdout
    assert (work / "both.png").read_bytes().startswith(b"\x89PNG")


def test_a_sweep_continues_after_a_failure(swept: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, done = swept
    assert done.returncode == 1
    assert done.stderr.count("takes image") == 2  # each failure is printed with its reason
    report = json.loads((folder / "trials.json").read_text())
    assert [trial["status"] for trial in report["trials"]] == ["FINISHED", "FINISHED", "FAILED", "FAILED"]
    assert report["best_trial"] in (0, 1)
    assert list((folder / "figures").glob("*.png"))
    assert "4 trials by val/loss" in done.stdout


def test_mlflow_has_parent_and_nested_trials(swept: Any, work: Path) -> None:
    folder, _ = swept
    mlflow = client(work)
    runs = mlflow.search_runs([mlflow.get_experiment_by_name("mlcli").experiment_id])
    (parent,) = [run for run in runs if run.data.tags["mlcli.run_id"] == folder.name]
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert sorted(child.info.status for child in children) == ["FAILED", "FAILED", "FINISHED", "FINISHED"]
    assert parent.info.status == "FINISHED"
    assert {file.path for file in mlflow.list_artifacts(parent.info.run_id)} >= {"trials.csv", "figures"}
    assert {child.data.params.get("optimizer.lr") for child in children} == {"0.001", "0.01"}
    # The parent has what the trials have in common, and each trial the command that trains it alone.
    common = parent.data.params
    assert common["trainer.epochs"] == "2" and common["data._target_"].endswith("breast_cancer")
    assert "optimizer.lr" not in common and not any(key.startswith("model.") for key in common)
    assert len({run.data.tags["mlflow.user"] for run in (parent, *children)}) == 1
    assert [each.dataset.name for each in parent.inputs.dataset_inputs] == ["breast_cancer"]
    commands = {child.data.tags["mlflow.source.name"] for child in children}
    rest = "data=breast_cancer optimizer.lr={} trainer.epochs=2"
    assert commands == {
        f"mlcli train model={m} {rest.format(lr)}" for m in ("mlp", "cnn") for lr in ("0.001", "0.01")
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["optimizer.lrr=1"], ["Did you mean optimizer.lr?"]),
        (["model=lstmm"], ["Did you mean lstm?"]),
        (["optimizer.lr=abc"], ["must be a number"]),
        (["trainer.batch_size=0"], ["at least 1"]),
        (["optimizer.lr=-1"], ["at least 0"]),
        (["model.dropout=1.5"], ["model.dropout=1.5"]),
        (["data=breast_cancer", "model=cnn"], ["takes image", "mlp"]),
        (["data=diabetes"], ["task=regression"]),
        (["trainer.monitor=val/nothing", "trainer.epochs=1"], ["val/nothing", "val/loss"]),
        (["--no-such-flag"], ["--no-such-flag"]),
        (["outputs=/proc/nowhere"], ["outputs=FOLDER"]),
        (["trainer.class_weights=heavy"], ["balanced"]),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_files(
    mlcli: Run, tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    done = mlcli("train", *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.strip().splitlines()
    for word in words:
        assert word in line
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_missing_device(mlcli: Run, tmp_path: Path) -> None:
    import torch

    absent = "mps" if torch.cuda.is_available() else "cuda"
    done = mlcli("train", f"device={absent}", cwd=tmp_path)
    assert done.returncode == 2
    assert "Choices: auto" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_keeps_the_run(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mlcli", "train", "trainer.epochs=100000", "name=long"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    while not process.stderr.readline().startswith("epoch"):
        assert process.poll() is None
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    run = only(tmp_path / "outputs" / "runs")
    assert json.loads((run / "run.json").read_text())["status"] == "KILLED"
    assert load_file(run / "last.safetensors")
    mlflow = client(tmp_path)
    (found,) = mlflow.search_runs([mlflow.get_experiment_by_name("mlcli").experiment_id])
    assert found.info.status == "KILLED"
    assert found.data.metrics["val/loss"] > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--cfg", "job"], ["batch_size: 32", "_target_: torch.optim.Adam"]),
        (["--cfg", "job", "--package", "trainer", "trainer.epochs=7"], ["epochs: 7"]),
        (["--cfg", "hydra", "--resolve"], ["outputs/runs/"]),
        (["--info", "searchpath"], ["Provider"]),
    ],
)
def test_hydras_flags_work(mlcli: Run, tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    done = mlcli("train", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for word in words:
        assert word in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_quiet_prints_only_the_result(mlcli: Run, tmp_path: Path) -> None:
    done = mlcli("train", "-q", "trainer.epochs=1", "tracking=none", "tracking.figures=false", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "test/accuracy" in done.stdout


def test_a_users_own_optimizer_and_folder(mlcli: Run, tmp_path: Path) -> None:
    (tmp_path / "conf" / "optimizer").mkdir(parents=True)
    (tmp_path / "conf" / "optimizer" / "nadam.yaml").write_text(
        "# Adam with Nesterov\n_target_: torch.optim.NAdam\nlr: 0.01\n"
    )
    arguments = ["optimizer=nadam", "tracking=none", "tracking.figures=false", "trainer.epochs=2"]
    done = mlcli("train", *arguments, cwd=tmp_path, MLCLI_OUTPUTS="elsewhere")
    assert done.returncode == 0, done.stderr
    assert result(only(tmp_path / "elsewhere" / "runs"))["metrics"]["test/accuracy"] > 0.9


def test_list_describes_options(mlcli: Run, tmp_path: Path) -> None:
    listed = mlcli("list", "model", cwd=tmp_path)
    assert listed.returncode == 0
    assert "lstm" in listed.stdout and "Long short-term memory" in listed.stdout
    wrong = mlcli("list", "modle", cwd=tmp_path)
    assert wrong.returncode == 2 and "Did you mean model?" in wrong.stderr


def test_doctor_passes(mlcli: Run, tmp_path: Path) -> None:
    done = mlcli("doctor", cwd=tmp_path)
    assert [line.split()[1] for line in done.stderr.splitlines() if line.startswith("checking ")][-1] == "mlflow"
    assert done.returncode == 0, done.stdout + done.stderr
    assert "torch" in done.stdout


def test_doctor_reports_problems(mlcli: Run, tmp_path: Path) -> None:
    done = mlcli("doctor", cwd=tmp_path, MLCLI_OUTPUTS="/proc/nowhere")
    assert done.returncode == 1
    assert "WRONG" in done.stdout


def test_commands_without_any_run(mlcli: Run, tmp_path: Path) -> None:
    for command in (["show"], ["evaluate", "last"], ["ui"]):
        done = mlcli(*command, cwd=tmp_path)
        assert done.returncode == 2
        assert "mlcli train" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_regression_end_to_end(mlcli: Run, tmp_path: Path) -> None:
    from sklearn import metrics as sk

    done = mlcli("train", "task=regression", "trainer.epochs=3", "tracking=none", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    run = only(tmp_path / "outputs" / "runs")
    with (run / "predictions" / "test.csv").open() as file:
        rows = list(csv.DictReader(file))
    y, predicted = (np.array([float(row[name]) for row in rows]) for name in ("target", "prediction"))
    scores = result(run)["metrics"]
    assert scores["test/r2"] == pytest.approx(sk.r2_score(y, predicted), rel=1e-6)
    assert scores["test/rmse"] == pytest.approx(sk.root_mean_squared_error(y, predicted), rel=1e-6)
    assert scores["test/mae"] == pytest.approx(sk.mean_absolute_error(y, predicted), rel=1e-6)
    assert {"residuals", "predicted_against_true"} <= {path.stem for path in (run / "figures").glob("*.png")}


@pytest.mark.parametrize("sweep", [[], ["-m", "trainer.seed=0,1"]], ids=["run", "sweep"])
def test_training_continues_when_the_reader_of_stderr_exits(tmp_path: Path, sweep: list[str]) -> None:
    """As in `mlcli train … 2>&1 | head -1`."""
    command = [
        sys.executable,
        "-m",
        "mlcli",
        "train",
        *sweep,
        "-v",
        "trainer.epochs=40",
        "tracking=none",
        "tracking.figures=false",
    ]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert process.stderr.readline()
    process.stderr.close()
    assert process.wait(60) == 0
    records = [json.loads(path.read_text()) for path in tmp_path.glob("outputs/*/**/run.json")]
    assert [record["status"] for record in records] == ["FINISHED"] * (2 if sweep else 1)
