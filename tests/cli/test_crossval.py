"""mlcli crossval as a real process, and MLflow read back with its own client."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_parent_and_folds_in_mlflow(mlcli: Run, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    arguments = ["data=iris", "model=linear,mlp", "folds=3", "trainer.epochs=2"]
    done = mlcli("crossval", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "outputs" / "sweeps").iterdir()
    found = json.loads((folder / "crossval.json").read_text())
    assert "3-fold cross-validation" in done.stdout and found["sentence"] in done.stdout
    client = MlflowClient(f"sqlite:///{tmp_path}/outputs/mlflow.db")
    (experiment,) = client.search_experiments(filter_string="name = 'mlcli'")
    runs = client.search_runs([experiment.experiment_id])
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(children) == 6 and {run.info.status for run in runs} == {"FINISHED"}
    for configuration in found["configurations"]:
        name = f"{configuration['name']}/test/accuracy"
        assert parent.data.metrics[name] == pytest.approx(configuration["metrics"]["test/accuracy"]["mean"])
        assert parent.data.metrics[f"{name}_low"] < parent.data.metrics[f"{name}_high"]
        folds = [run for run in children if run.data.params["model._target_"].lower().endswith(configuration["name"])]
        assert sorted(run.data.metrics["test/accuracy"] for run in folds) == pytest.approx(
            sorted(configuration["scores"])
        )
    assert parent.data.params["crossval.folds"] == "3"
    assert parent.data.tags["mlflow.note.content"] == found["sentence"]
    paths = {
        each.path
        for place in ("", "predictions", "figures")
        for each in client.list_artifacts(parent.info.run_id, place)
    }
    assert {"crossval.json", "predictions/mlp.csv", "predictions/linear.csv", "figures/crossval.png"} <= paths
    shown = mlcli("show", "last", cwd=tmp_path)
    assert shown.returncode == 0 and found["sentence"] in shown.stdout

    for configuration in found["configurations"]:
        del configuration["unscored"]  # as the first versions wrote it
    (folder / "crossval.json").write_text(json.dumps(found))
    shown = mlcli("show", str(folder), cwd=tmp_path)
    assert shown.returncode == 0 and found["sentence"] in shown.stdout, shown.stderr


def test_a_mistake_is_one_line(mlcli: Run, tmp_path: Path) -> None:
    done = mlcli("crossval", "folds=0", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "error: folds=0: must be a whole number at least 2.\n")
    assert not (tmp_path / "outputs").exists()


def test_help(mlcli: Run, tmp_path: Path) -> None:
    done = mlcli("crossval", "--help", cwd=tmp_path)
    assert done.returncode == 0 and "folds=5" in done.stdout
