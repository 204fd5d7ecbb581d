"""A run's `model` folder as an MLflow model: no pickle, and neither torch nor the model is loaded to log it."""

import json
import logging
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

LOADER = "mlcli.serve.pyfunc"


def log_model(client: Any, experiment_id: str, run_id: str, folder: Path) -> None:
    """Logs it under the run, ready for `mlflow.pyfunc.load_model("runs:/…/model")`, with signature and example."""
    import mlflow.pyfunc
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus
    from mlflow.models import Model

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    signature, example = describe(json.loads((folder / "example.json").read_text()))
    logged = client.create_logged_model(experiment_id, name="model", source_run_id=run_id)
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    model = Model(
        artifact_path=logged.artifact_location,
        model_uuid=logged.model_id,
        run_id=run_id,
        model_id=logged.model_id,
    )
    with tempfile.TemporaryDirectory() as scratch:
        path = f"{scratch}/model"
        mlflow.pyfunc.save_model(
            path=path,
            mlflow_model=model,
            loader_module=LOADER,
            data_path=str(folder),
            signature=signature,
            input_example=example,
            # Given, because inferring them would load the model in yet another process.
            pip_requirements=[f"{name}=={version(name).partition('+')[0]}" for name in ("mlcli", "torch")],
        )
        client.log_model_artifacts(logged.model_id, path)
    client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)


def describe(example: dict[str, Any]) -> tuple[Any, Any]:
    """Signature and input example: a table where columns have names, else an array."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    inputs, outputs = example["inputs"], example["outputs"]
    array = np.array(inputs["data"], dtype=np.float32)
    given: Any
    if inputs["columns"]:
        import pandas as pd

        schema = Schema([ColSpec("double", name) for name in inputs["columns"]])
        given = pd.DataFrame(array.astype(np.float64), columns=inputs["columns"])
    else:
        schema, given = Schema([TensorSpec(np.dtype("float32"), (-1, *array.shape[1:]))]), array
    answers = [
        ColSpec("string" if isinstance(value, str) else "double", name)
        for name, value in zip(outputs["columns"], outputs["data"][0], strict=True)
    ]
    return ModelSignature(schema, Schema(answers)), given
