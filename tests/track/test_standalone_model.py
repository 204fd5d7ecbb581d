"""Logged models predict where mlcli is not installed, with the packages of their requirements only."""

import json
import os
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import distribution, packages_distributions
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import yaml
from packaging.requirements import Requirement
from sklearn.datasets import load_diabetes, load_iris
from typer.testing import CliRunner

from mlcli.cli.app import app
from mlcli.cli.training import main
from mlcli.config import own_code
from mlcli.serve.predictor import Predictor
from mlcli.track import tracking
from tests.track.couriers import run_courier

LAYERS = "from torch import nn\nclass Layer(nn.Linear): pass\n"
NETS = """
from ownparts import layers
from mlcli.traits import ModelTraits
class Net(layers.Layer):
    traits = ModelTraits(accepts=("vector",))
    def __init__(self, input_shape, outputs):
        super().__init__(input_shape[0], outputs)
"""
QUICK = ["-q", "trainer.epochs=1", "tracking.figures=false", "device=cpu"]
RUNS = {
    "mlp": ["data=iris", "model=mlp"],
    "lstm": ["data=digits", "model=lstm", "model.hidden_size=8"],
    "text": ["task=sequence_labelling", "data.examples=50"],
    "regression": ["task=regression", "data=diabetes"],
    "own": ["data=iris", "model=own"],
}
# Predicts for the models' own examples. Only packages in `allowed` exist, and the model's code.
CHILD = """
import importlib.abc, importlib.util, json, os, sys
given = json.load(open(sys.argv[1]))
sys.path += given["path"]
assert importlib.util.find_spec("mlcli") is None
class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in given["hidden"]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
import mlflow, numpy as np, pandas as pd
found = {}
for name, place in given["models"].items():
    model = mlflow.pyfunc.load_model(place)
    example = json.load(open(place + "/data/example.json"))["inputs"]
    if example["columns"]:
        table = pd.DataFrame(example["data"], columns=example["columns"])
    else:
        table = np.array(example["data"], dtype=np.float32)
    params = {"probabilities": True} if model.metadata.signature.params else None
    found[name] = model.predict(table, params=params).to_json(orient="split", double_precision=15)
    assert params is None or model.predict(table).ndim == 1
assert "/code/mlcli.zip/" in sys.modules["mlcli"].__file__
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project folder with a model of its own, in which every run and a sweep were trained and delivered."""
    folder = tmp_path_factory.mktemp("standalone")
    (folder / "conf" / "model").mkdir(parents=True)
    (folder / "conf" / "model" / "own.yaml").write_text("_target_: ownnets.Net\n")
    (folder / "ownnets.py").write_text(NETS)
    (folder / "ownparts").mkdir()
    (folder / "ownparts" / "__init__.py").write_text("")
    (folder / "ownparts" / "layers.py").write_text(LAYERS)
    followed: list[Path] = []

    @contextmanager
    def tracked(*_: Any, **__: Any) -> Iterator[Callable[[Path], None]]:
        yield followed.append

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(tracking, "tracked", tracked)
        for name, arguments in RUNS.items():
            main([*QUICK, f"name={name}", *arguments])
        main(["-m", *QUICK, "name=sweep", "data=iris", "model=own", "optimizer.lr=0.0001,0.1"])
        run_courier(folder / "outputs", *(folder / path for path in followed), is_live=True)
        own_code.remove_own_code([str(folder)])
        yield folder


def logged(project: Path, run: Path) -> Path:
    """The folder of the run's model in the store."""
    state = json.loads((run / ".mlflow.json").read_text())
    return project / "outputs" / "artifacts" / "models" / state["model_id"] / "artifacts"


def runs(project: Path) -> dict[str, Path]:
    records = {path.parent: json.loads(path.read_text()) for path in project.glob("outputs/runs/*/run.json")}
    return {record["name"]: folder for folder, record in records.items()}


def hidden(requirements: list[str]) -> list[str]:
    """The installed modules that belong to none of these packages, nor to one that they need."""
    waiting, kept = [Requirement(line).name for line in requirements], set[str]()
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name not in kept:
            kept.add(name)
            needed = map(Requirement, distribution(name).requires or ())
            waiting += [each.name for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})]
    found = packages_distributions()
    return [m for m, owners in found.items() if not kept & {each.lower().replace("_", "-") for each in owners}]


def test_logged_models_predict_without_mlcli(project: Path, tmp_path: Path) -> None:
    models = {name: logged(project, run) for name, run in runs(project).items()}
    lines = {line for model in models.values() for line in (model / "requirements.txt").read_text().splitlines()}
    assert sorted(line.partition("==")[0] for line in lines) == [
        "hydra-core", "mlflow", "omegaconf", "safetensors", "torch"
    ]  # fmt: skip
    about = {
        "path": [str(Path(torch.__file__).parents[1])],
        "hidden": hidden(sorted(lines)),
        "models": {name: str(model) for name, model in models.items()},
    }
    assert {"mlcli", "gymnasium", "typer"} <= {*about["hidden"], "mlcli"}
    (tmp_path / "about.json").write_text(json.dumps(about))
    command = [sys.executable, "-I", "-S", "-c", CHILD, str(tmp_path / "about.json")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    for name, run in runs(project).items():
        example = json.loads((run / "model" / "example.json").read_text())["inputs"]
        given: Any = (
            pd.DataFrame(example["data"], columns=example["columns"]) if example["columns"] else example["data"]
        )
        if name == "own":
            continue
        expected = Predictor(run / "model").predict(given)
        assert found[name] == expected.to_json(orient="split", double_precision=15), name
    stored = json.loads((runs(project)["own"] / "model" / "example.json").read_text())["outputs"]
    own = json.loads(found["own"])
    assert own["columns"] == stored["columns"] and [row[0] for row in own["data"]] == [
        row[0] for row in stored["data"]
    ]


def test_only_the_best_trial_of_a_sweep_carries_code(project: Path) -> None:
    """A trial that was delivered earlier gets it when the sweep has ended."""
    (sweep,) = project.glob("outputs/sweeps/*")
    best = json.loads((sweep / "sweep.json").read_text())["best_trial"]
    for trial in (0, 1):
        model = logged(project, sweep / str(trial))
        about = yaml.safe_load((model / "MLmodel").read_text())["flavors"]["python_function"]
        readme = (model / "README.md").read_text()
        assert ("code" in about) == (model / "code").exists() == (trial == best)
        assert ("It stands alone" in readme) == (trial == best)
        run = json.loads((sweep / str(trial) / "run.json").read_text())["id"]
        assert (f"the modules mlcli, ownnets must be importable. `mlcli export {run}`" in readme) == (trial != best)
        assert "mlcli" not in (model / "requirements.txt").read_text()
    with zipfile.ZipFile(logged(project, sweep / str(best)) / "code" / "mlcli.zip") as code:
        names = set(code.namelist())
    assert {"own/ownnets.py", "own/ownparts/__init__.py", "own/ownparts/layers.py", "mlcli/serve/pyfunc.py"} <= names
    assert sum(name.startswith("own/") for name in names) == 3


def test_the_best_trial_of_a_running_sweep(project: Path, tmp_path: Path) -> None:
    """It is delivered without code, which is added later."""
    (sweep,) = project.glob("outputs/sweeps/*")
    for path in sweep.rglob("*"):
        if path.is_file() and path.name != ".mlflow.json":
            target = tmp_path / "outputs" / "sweeps" / "s" / path.relative_to(sweep)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    copied = tmp_path / "outputs" / "sweeps" / "s"
    record = json.loads((copied / "sweep.json").read_text())
    running = record | {"status": "RUNNING", "best_trial": None, "pid": os.getpid(), "host": "elsewhere"}
    (copied / "sweep.json").write_text(json.dumps(running))
    run_courier(tmp_path / "outputs", copied, copied / "0", copied / "1")
    best = logged(tmp_path, copied / str(record["best_trial"]))
    assert (best / "MLmodel").exists() and not (best / "code").exists()
    (copied / "sweep.json").write_text(json.dumps(record))
    run_courier(tmp_path / "outputs")
    with zipfile.ZipFile(best / "code" / "mlcli.zip") as code:  # the user's modules only by the training's courier
        assert not [name for name in code.namelist() if name.startswith("own/")]
    assert "the modules ownnets must be importable" in (best / "README.md").read_text()
    assert yaml.safe_load((best / "MLmodel").read_text())["flavors"]["python_function"]["code"] == "code/mlcli.zip"


def test_export(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of any trial; of a run that is not trusted nothing is written."""
    (sweep,) = project.glob("outputs/sweeps/*")
    best = json.loads((sweep / "sweep.json").read_text())["best_trial"]
    light = sweep / str(1 - best)
    monkeypatch.chdir(project)
    done = CliRunner().invoke(app, ["export", str(light), "--output", str(tmp_path / "made")])
    assert (done.exit_code, done.stdout) == (0, f"{tmp_path / 'made'}\n"), done.output
    whole, made = logged(project, sweep / str(best)), tmp_path / "made"
    assert (made / "code" / "mlcli.zip").read_bytes() == (whole / "code" / "mlcli.zip").read_bytes()
    assert {path.name for path in made.iterdir()} == {path.name for path in whole.iterdir()}
    assert (made / "data" / "weights.safetensors").read_bytes() == (light / "model/weights.safetensors").read_bytes()
    again = CliRunner().invoke(app, ["export", str(light), "--output", str(tmp_path / "made")])
    assert again.exit_code == 2 and "made exists: use another --output" in again.stderr
    monkeypatch.chdir(tmp_path)
    refused = CliRunner().invoke(app, ["export", str(light)])
    assert refused.exit_code == 2 and "model._target_=ownnets.Net: not trusted" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


@pytest.mark.parametrize(("name", "kind"), [("mlp", "classifier"), ("regression", "regressor")])
def test_mlflow_evaluates_a_logged_model(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    """Its metrics are those that mlcli has computed on the same examples."""
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow and shap about themselves
        import mlflow

        mlflow.set_tracking_uri(f"sqlite:///{project}/outputs/mlflow.db")
        run = runs(project)[name]
        predictions = pd.read_csv(run / "predictions" / "test.csv")
        bunch = load_iris(as_frame=True) if name == "mlp" else load_diabetes(as_frame=True, scaled=False)
        table = bunch.data.iloc[predictions["index"]].assign(label=predictions["target"].to_numpy())
        with mlflow.start_run():
            found = mlflow.models.evaluate(
                f"models:/{logged(project, run).parent.name}", table, targets="label", model_type=kind
            ).metrics
    metrics = json.loads((run / "result.json").read_text())["metrics"]
    pairs = {"accuracy_score": "test/accuracy", "recall_score": "test/accuracy"}
    if kind == "regressor":
        pairs = {"root_mean_squared_error": "test/rmse", "r2_score": "test/r2", "mean_absolute_error": "test/mae"}
    for theirs, ours in pairs.items():
        assert found[theirs] == pytest.approx(metrics[ours], rel=1e-4), theirs
