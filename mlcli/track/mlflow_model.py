"""Writes a run's `model` folder as an MLflow model, without pickle and without loading torch or the model.

The files are those of `mlflow.pyfunc.save_model`, which would need an import of MLflow, list all installed packages
and copy the weights once more.
"""

import json
import platform
import shutil
import tempfile
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from mlcli.files import plain_files
from mlcli.store.records import read_json, try_read_json
from mlcli.track.model_code import ARCHIVE, SOURCES, Code, archive, own_sources
from mlcli.track.model_requirements import Requirements, requirements

LOADER = "mlcli.serve.pyfunc"
README = "README.md"
PREDICTION, PROBABILITIES = "prediction", "probabilities"
PROBABILITIES_PARAM = {"name": PROBABILITIES, "default": False, "shape": None, "type": "boolean"}
USE = """Use `mlflow.pyfunc.load_model` and `predict`, or `mlflow models serve`. Inputs are raw, as in
`input_example.json`.
"""
EXAMPLE = "input_example.json"
SERVING_EXAMPLE = "serving_input_example.json"


def send(client: Any, run_id: str, model_id: str, folder: Path, code: Code) -> None:
    """Uploads it, ready for `mlflow.pyfunc.load_model("runs:/…/model")`, with signature and input example."""
    location = client.get_logged_model(model_id).artifact_location
    with tempfile.TemporaryDirectory() as scratch:
        write_model(folder, Path(scratch), code, run_id, model_id, location)
        copy_data(folder, Path(scratch))
        client.log_model_artifacts(model_id, scratch)


def copy_data(folder: Path, target: Path) -> None:
    """Copies the files of a run's `model` folder into the MLflow model in `target`."""
    (target / "data").mkdir(exist_ok=True)
    for path in model_files(folder):
        shutil.copyfile(path, target / "data" / path.name, follow_symlinks=False)


def model_files(folder: Path) -> list[Path]:
    """The files of a run's `model` folder that prediction reads."""
    return [path for path in plain_files(folder) if path.name != SOURCES]


def write_model(
    folder: Path,
    target: Path,
    code: Code,
    run_id: str | None = None,
    model_id: str | None = None,
    location: str | None = None,
    sources: Mapping[str, str] | None = None,
) -> Requirements:
    """Writes the files of an MLflow model into `target`, except for the run's `model` folder itself. Returns what it
    requires.

    code: what the model carries. run_id, model_id, location: those in the store; None for a model outside of a store.
    sources: the user's modules, by default those that the run has stored.
    """
    example = read_json(folder / "example.json")
    python = platform.python_version()
    sources = {} if code != "all" else own_sources(folder) if sources is None else sources
    needed = requirements((try_read_json(folder / "model.json") or {}).get("config", {}), sources)
    if code != "none":
        (target / ARCHIVE).parent.mkdir(exist_ok=True)
        (target / ARCHIVE).write_bytes(archive(sources))
    function = {
        "data": "data",
        "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
        "loader_module": LOADER,
        "python_version": python,
        "streamable": False,
    }
    function |= {"code": ARCHIVE} if code != "none" else {}
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
    for name, file in (needed.files() | {README: _readme(folder, code, needed)}).items():
        (target / name).write_text(file, encoding="utf-8")
    return needed


def _readme(folder: Path, code: Code, needed: Requirements) -> str:
    """What the model is, and how it is loaded."""
    record = try_read_json(folder.parent / "run.json") or {}
    run = record.get("id", folder.absolute().parent.name)
    lines = [f"# {record.get('name', run)}", f"Model of the mlcli run `{run}`."]
    modules = [*(["mlcli"] if code == "none" else []), *needed.modules]
    if modules:
        lines.append(
            f"It does not stand alone: to load it, the modules {', '.join(modules)} must be importable. "
            f"`mlcli export {run}` writes a model that does."
        )
    else:
        lines.append(f"It stands alone: the code is in `{ARCHIVE}`, the packages are in `requirements.txt`.")
    return "\n\n".join([*lines, USE])


def signature(example: dict[str, Any]) -> dict[str, str | None]:
    """The signature: inputs are a table if they have column names, else a tensor; predictions are a table without the
    probabilities of classes."""
    inputs, outputs = example["inputs"], example["outputs"]
    if inputs["columns"]:
        kinds = {"tokens": "string", "table": "any"}  # of a table, texts as well as numbers
        kind = kinds.get(inputs.get("kind"), "double")
        given = [_column(name, kind) for name in inputs["columns"]]
    else:
        dtype = "int64" if inputs.get("kind") in ("tokens", "state") else "float32"
        given = [{"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": [-1, *_shape(inputs["data"][0])]}}]
    names = [PREDICTION] if has_probabilities(outputs["columns"]) else outputs["columns"]
    first = dict(zip(outputs["columns"], outputs["data"][0], strict=True))
    predictions = [_column(name, "string" if isinstance(first[name], str) else "double") for name in names]
    params = json.dumps([PROBABILITIES_PARAM]) if has_probabilities(outputs["columns"]) else None
    return {"inputs": json.dumps(given), "outputs": json.dumps(predictions), "params": params}


def has_probabilities(columns: Collection[str]) -> bool:
    """Whether predictions are a class and the probability of each class. MLflow's evaluation of classifiers takes the
    class only, so the probabilities are returned on request."""
    others = [name for name in columns if name != PREDICTION]
    return PREDICTION in columns and bool(others) and all(name.startswith("probability/") for name in others)


def _column(name: str, kind: str) -> dict[str, Any]:
    return {"type": kind, "name": name, "required": kind != "any"}


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
    (folder / EXAMPLE).write_text(json.dumps(given), encoding="utf-8")
    (folder / SERVING_EXAMPLE).write_text(json.dumps(request), encoding="utf-8")
    return about


@cache
def _version(name: str) -> str:
    return version(name)
