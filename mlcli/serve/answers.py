"""A run's answers for a file of inputs."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlcli.config.errors import ConfigError
from mlcli.serve.predictor import Predictor, model_folder
from mlcli.serve.read import read_inputs

if TYPE_CHECKING:
    import pandas as pd

ROWS_AT_ONCE = 1024  # what activations of a large file would take is not there


def answers(run: Path, file: str) -> "pd.DataFrame":
    """One row for each row of the file, in its order; `run` is a run's folder.

    Raises ConfigError for a run that did not finish, and for a file that cannot be read or does not fit.
    """
    import pandas as pd
    import torch

    predictor = Predictor(model_folder(run))
    torch.set_num_threads(predictor.parts.threads)
    inputs = read_inputs(file, predictor.parts.data, run / "model")
    try:
        parts = [predictor.predict(_rows(inputs, start)) for start in range(0, len(inputs), ROWS_AT_ONCE)]
    except ValueError as error:
        raise ConfigError(f"{file}: {error}") from error
    return pd.concat(parts, ignore_index=True)


def to_json(table: "pd.DataFrame") -> str:
    """In the form in which the scoring server answers. What is no number is null."""
    rows = table.astype(object).where(table.notna(), None).to_dict(orient="records")
    return json.dumps({"predictions": rows}, ensure_ascii=False, allow_nan=False) + "\n"


def _rows(inputs: Any, start: int) -> Any:
    stop = start + ROWS_AT_ONCE
    return inputs.iloc[start:stop] if hasattr(inputs, "iloc") else inputs[start:stop]
