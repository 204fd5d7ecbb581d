"""A run's model in MLflow's format, compared with what MLflow itself writes and reads."""

import json
import os
import sys
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient
from mlflow.models import Model

from mlcli.track.mlflow_store import Store

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of MLflow's about MLflow's own type hints
    import mlflow.pyfunc

TABLE = {
    "inputs": {"kind": "vector", "columns": ["a", "b"], "data": [[0.5, 1.0], [2.0, 3.0]]},
    "outputs": {"columns": ["prediction", "probability/x"], "data": [["x", 0.75], ["y", 0.25]]},
}
IMAGE = {
    "inputs": {"kind": "image", "columns": None, "data": [[[[0.0, 1.0], [0.5, 0.25]]]]},
    "outputs": {"columns": ["prediction"], "data": [[1.5]]},
}


class Fake:
    """Stands in for the predictor, which would import torch."""

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> pd.DataFrame:
        total = np.asarray(model_input, dtype=float).reshape(len(model_input), -1).sum(1)
        return pd.DataFrame({"prediction": total})


@pytest.fixture(scope="module", autouse=True)
def environment() -> Iterator[None]:
    """MLflow stores its address in the environment, where later tests must not find it."""
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture(autouse=True)
def loader(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("mlcli.serve.pyfunc")
    module._load_pyfunc = lambda data_path: Fake()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mlcli.serve.pyfunc", module)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("store"), "", "tests")
    store.import_mlflow()
    return store


@pytest.fixture
def tracked(store: Store) -> None:
    """Makes `runs:/` mean this store."""
    mlflow.set_tracking_uri(f"sqlite:///{store.local.database}")


def log(store: Store, folder: Path, example: dict[str, Any]) -> tuple[str, str]:
    """Ids of a run and of its model."""
    folder.mkdir()
    (folder / "example.json").write_text(json.dumps(example))
    (folder / "weights.safetensors").write_bytes(b"weights")
    (folder / "model.json").write_text(json.dumps({"config": {"task": {}, "model": {}}, "data": {}}))
    experiment = store.experiment("tests")
    run_id = store.create_run(experiment, {}, 0.0)
    model_id = store.create_model(experiment, run_id)
    store.log_model(run_id, model_id, folder, "none", again=False)
    return run_id, model_id


@pytest.mark.usefixtures("tracked")
@pytest.mark.parametrize("example", [TABLE, IMAGE], ids=["table", "image"])
def test_it_loads_and_predicts_from_its_own_example(store: Store, tmp_path: Path, example: dict[str, Any]) -> None:
    run_id, model_id = log(store, tmp_path / "model", example)
    data = np.array(example["inputs"]["data"])
    for address in (f"runs:/{run_id}/model", f"models:/{model_id}"):
        model = mlflow.pyfunc.load_model(address)
        given = model.input_example
        assert np.array_equal(np.asarray(given), data)
        answers = model.predict(given)
        assert answers["prediction"].tolist() == data.reshape(len(data), -1).sum(1).tolist()
    with pytest.raises(mlflow.MlflowException, match=r"(?i)schema|missing|shape"):
        model.predict(pd.DataFrame({"c": [1.0]}) if example is TABLE else np.zeros((1, 3), np.float32))


@pytest.mark.usefixtures("tracked")
def test_the_signature_names_columns_and_kinds(store: Store, tmp_path: Path) -> None:
    run_id, _ = log(store, tmp_path / "model", TABLE)
    signature = mlflow.pyfunc.load_model(f"runs:/{run_id}/model").metadata.signature
    assert [(column.name, column.type.name) for column in signature.inputs] == [("a", "double"), ("b", "double")]
    kinds = [(column.name, column.type.name) for column in signature.outputs]
    assert kinds == [("prediction", "string")]
    assert [(each.name, each.default) for each in signature.params] == [("probabilities", False)]


@pytest.mark.filterwarnings("ignore:Operation with range")  # in MLflow's way, not in ours
@pytest.mark.usefixtures("tracked")
@pytest.mark.parametrize("example", [TABLE, IMAGE], ids=["table", "image"])
def test_its_files_are_those_that_mlflow_writes(store: Store, tmp_path: Path, example: dict[str, Any]) -> None:
    _, model_id = log(store, tmp_path / "model", example)
    ours = Path(mlflow.artifacts.download_artifacts(f"models:/{model_id}"))
    theirs = tmp_path / "theirs"
    inputs = example["inputs"]
    data = np.array(inputs["data"], dtype=np.float32)
    given = pd.DataFrame(data.astype(float), columns=inputs["columns"]) if inputs["columns"] else data
    mlflow.pyfunc.save_model(
        path=str(theirs), loader_module="mlcli.serve.pyfunc", data_path=str(tmp_path / "model"),
        mlflow_model=Model(model_id=model_id), signature=Model.load(str(ours)).signature, input_example=given,
        pip_requirements=["torch"],
    )  # fmt: skip
    files = {path.name for path in theirs.iterdir()} - {"data"}
    downloaded = {"data", "README.md", "registered_model_meta"}  # the last comes with the download
    assert {path.name for path in ours.iterdir()} - downloaded == files
    for name in ("input_example.json", "serving_input_example.json"):
        assert json.loads((ours / name).read_text()) == json.loads((theirs / name).read_text())
    mine, reference = (yaml.safe_load((folder / "MLmodel").read_text()) for folder in (ours, theirs))
    reference["flavors"]["python_function"]["data"] = "data"  # they keep the folder's own name below it
    assert mine["flavors"]["python_function"].items() <= reference["flavors"]["python_function"].items()
    for key in ("saved_input_example_info", "signature", "model_id", "mlflow_version"):
        assert mine[key] == reference[key]


def test_sending_it_twice_links_it_once(store: Store, tmp_path: Path) -> None:
    run_id, model_id = log(store, tmp_path / "model", TABLE)
    store.log_model(run_id, model_id, tmp_path / "model", "none", again=True)
    run = MlflowClient(f"sqlite:///{store.local.database}").get_run(run_id)
    assert [output.model_id for output in run.outputs.model_outputs] == [model_id]
