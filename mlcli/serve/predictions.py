"""Predictions of a run for a file of inputs."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlcli.config.errors import ConfigError
from mlcli.serve.input_files import images_in, read_inputs
from mlcli.serve.predictor import InvalidRow, Predictor, model_folder

if TYPE_CHECKING:
    import pandas as pd

BATCH_ROWS = 1024  # the activations of a whole file might not fit into memory


def predict_file(run: Path, file: str) -> "pd.DataFrame":
    """Predictions for the rows of a file, in their order, or for every image of a folder. run: the run's folder.

    Raises ConfigError for a run that did not finish, and for a file that cannot be read or does not fit.
    """
    import torch

    predictor = Predictor(model_folder(run))
    torch.set_num_threads(predictor.parts.threads)
    if Path(file).is_dir():
        return _predict_images(predictor, Path(file), images_in(Path(file)), run / "model")
    inputs = read_inputs(file, predictor.parts.data, run / "model")
    try:
        return predict_rows(predictor, inputs)
    except ValueError as error:
        raise ConfigError(f"{file}: {error}") from error


def _predict_images(predictor: Predictor, folder: Path, images: Sequence[Path], model: Path) -> "pd.DataFrame":
    """Predictions for images, with their paths below the folder as first column. Raises ConfigError like
    `predict_file`."""
    import numpy as np
    import pandas as pd

    parts = []
    for start in range(0, len(images), BATCH_ROWS):
        batch = images[start : start + BATCH_ROWS]
        inputs = np.concatenate([read_inputs(str(path), predictor.parts.data, model) for path in batch])
        parts.append(predict_rows(predictor, inputs))
    table = pd.concat(parts, ignore_index=True)
    table.insert(0, "file", [path.relative_to(folder).as_posix() for path in images])
    return table


def predict_rows(predictor: Predictor, inputs: Any) -> "pd.DataFrame":
    """Predictions for any number of rows, computed in batches. Raises ValueError like the predictor."""
    import pandas as pd

    parts = []
    for start in range(0, len(inputs), BATCH_ROWS):
        try:
            parts.append(predictor.predict(_rows(inputs, start)))
        except InvalidRow as error:
            raise InvalidRow(start + error.row, error.reason) from error
    return pd.concat(parts, ignore_index=True)


def to_json(table: "pd.DataFrame") -> str:
    """The format of MLflow's scoring server. NaN becomes null."""
    rows = table.astype(object).where(table.notna(), None).to_dict(orient="records")
    return json.dumps({"predictions": rows}, ensure_ascii=False, allow_nan=False) + "\n"


def _rows(inputs: Any, start: int) -> Any:
    stop = start + BATCH_ROWS
    return inputs.iloc[start:stop] if hasattr(inputs, "iloc") else inputs[start:stop]
