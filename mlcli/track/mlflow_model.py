"""Writes a run's `model` folder as an MLflow model, without pickle and without loading torch or the model.

The files are those of `mlflow.pyfunc.save_model`, which would need an import of MLflow, list all installed packages
and copy the weights once more.
"""

import json
import platform
import shutil
import tempfile
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from mlcli.files import plain_files
from mlcli.store.records import read_json

LOADER = "mlcli.serve.pyfunc"
EXAMPLE = "input_example.json"
SERVING_EXAMPLE = "serving_input_example.json"


def send(client: Any, run_id: str, model_id: str, folder: Path) -> None:
    """Uploads it, ready for `mlflow.pyfunc.load_model("runs:/…/model")`, with signature and input example."""
    location = client.get_logged_model(model_id).artifact_location
    with tempfile.TemporaryDirectory() as scratch:
        write_model(folder, Path(scratch), run_id, model_id, location)
        (Path(scratch) / "data").mkdir()
        for path in plain_files(folder):
            shutil.copyfile(path, Path(scratch) / "data" / path.name, follow_symlinks=False)
        client.log_model_artifacts(model_id, scratch)


def write_model(
    folder: Path, target: Path, run_id: str | None = None, model_id: str | None = None, location: str | None = None
) -> None:
    """Writes the files of an MLflow model into `target`, except for the run's `model` folder itself.

    run_id, model_id, location: those in the store; None for a model outside of a store.
    """
    example = read_json(folder / "example.json")
    python = platform.python_version()
    function = {
        "data": "data",
        "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
        "loader_module": LOADER,
        "python_version": python,
        "streamable": False,
    }
    content = {
        "flavors": {"python_function": function},
        "is_signature_from_type_hint": False,
        "mlflow_version": _version("mlflow"),
        "model_id": model_id,
        "model_size_bytes": sum(path.stat().st_size for path in plain_files(folder)),
        "model_uuid": model_id,
        "prompts": None,
        "saved_input_example_info": write_example(target, example["inputs"]),
        "signature": signature(example),
        "type_hint_from_example": False,
        "utc_time_created": str(datetime.now(UTC).replace(tzinfo=None)),
    }
    content |= {"artifact_path": location, "run_id": run_id} if run_id else {}
    # libyaml, if available, because a large sweep writes thousands of these.
    text = yaml.dump(content, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), allow_unicode=True)
    (target / "MLmodel").write_text(text, encoding="utf-8")
    for name, file in environment_files().items():
        (target / name).write_text(file)


def signature(example: dict[str, Any]) -> dict[str, str | None]:
    """The signature: inputs are a table if they have column names, else a tensor; predictions are a table."""
    inputs, outputs = example["inputs"], example["outputs"]
    if inputs["columns"]:
        kind = "string" if inputs.get("kind") == "tokens" else "double"  # columns of token data hold text
        given = [_column(name, kind) for name in inputs["columns"]]
    else:
        dtype = "int64" if inputs.get("kind") in ("tokens", "state") else "float32"
        given = [{"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": [-1, *_shape(inputs["data"][0])]}}]
    first = zip(outputs["columns"], outputs["data"][0], strict=True)
    predictions = [_column(name, "string" if isinstance(value, str) else "double") for name, value in first]
    return {"inputs": json.dumps(given), "outputs": json.dumps(predictions), "params": None}


def _column(name: str, kind: str) -> dict[str, Any]:
    return {"type": kind, "name": name, "required": True}


def _shape(numbers: Any) -> list[int]:
    """The shape of nested lists."""
    return [len(numbers), *_shape(numbers[0])] if isinstance(numbers, list) else []


def write_example(folder: Path, inputs: dict[str, Any]) -> dict[str, str]:
    """Writes the input example as MLflow stores it, and as a request to its server. Returns their entry in
    MLmodel."""
    about = {"artifact_path": EXAMPLE, "serving_input_path": SERVING_EXAMPLE}
    if inputs["columns"]:
        about |= {"type": "dataframe", "pandas_orient": "split"}
        given: Any = {"columns": inputs["columns"], "data": inputs["data"]}
        request = {"dataframe_split": given}
    else:
        about |= {"type": "ndarray"}
        given = inputs["data"]
        request = {"inputs": given}
    (folder / EXAMPLE).write_text(json.dumps(given))
    (folder / SERVING_EXAMPLE).write_text(json.dumps(request))
    return about


@cache
def _version(name: str) -> str:
    return version(name)


@cache
def environment_files() -> dict[str, str]:
    """The model's requirements, in the three formats that MLflow reads. They are stated, because inferring them would
    load the model in another process."""
    requirements = [f"{name}=={_version(name).partition('+')[0]}" for name in ("mlflow", "mlcli", "torch")]
    python = platform.python_version()
    virtual = {"python": python, "build_dependencies": ["pip"], "dependencies": ["-r requirements.txt"]}
    conda = {"channels": ["conda-forge"], "dependencies": [f"python={python}", "pip", {"pip": requirements}]}
    return {
        "requirements.txt": "\n".join(requirements),
        "python_env.yaml": yaml.safe_dump(virtual, sort_keys=False),
        "conda.yaml": yaml.safe_dump({"name": "mlflow-env", **conda}, sort_keys=False),
    }
