"""A run's predictions for a file of inputs."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlcli.config.errors import ConfigError
from mlcli.serve.input_files import read_inputs
from mlcli.serve.predictor import InvalidRow, Predictor, model_folder

if TYPE_CHECKING:
    import pandas as pd

ROWS_AT_ONCE = 1024  # of a large file, whose activations would not fit into memory


def predict_file(run: Path, file: str) -> "pd.DataFrame":
    """One row for each row of the file, in its order; `run` is a run's folder.

    Raises ConfigError for a run that did not finish, and for a file that cannot be read or does not fit.
    """
    import torch

    predictor = Predictor(model_folder(run))
    torch.set_num_threads(predictor.parts.threads)
    inputs = read_inputs(file, predictor.parts.data, run / "model")
    try:
        return predict_rows(predictor, inputs)
    except ValueError as error:
        raise ConfigError(f"{file}: {error}") from error


def predict_rows(predictor: Predictor, inputs: Any) -> "pd.DataFrame":
    """The predictions for any number of rows, computed a part at a time. Raises ValueError as the predictor."""
    import pandas as pd

    parts = []
    for start in range(0, len(inputs), ROWS_AT_ONCE):
        try:
            parts.append(predictor.predict(_rows(inputs, start)))
        except InvalidRow as error:
            raise InvalidRow(start + error.row, error.reason) from error
    return pd.concat(parts, ignore_index=True)


def to_json(table: "pd.DataFrame") -> str:
    """In the form of MLflow's scoring server. What is no number is null."""
    rows = table.astype(object).where(table.notna(), None).to_dict(orient="records")
    return json.dumps({"predictions": rows}, ensure_ascii=False, allow_nan=False) + "\n"


def _rows(inputs: Any, start: int) -> Any:
    stop = start + ROWS_AT_ONCE
    return inputs.iloc[start:stop] if hasattr(inputs, "iloc") else inputs[start:stop]
