"""Answers for raw inputs, from a run's `model` folder: what MLflow's pyfunc, HTTP and `mlcli predict` share."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mlcli.config.errors import ConfigError
from mlcli.data.dataset import INDEX_KINDS
from mlcli.data.tokenize import TEXT
from mlcli.run.load import load_model

if TYPE_CHECKING:
    import pandas as pd


class Predictor:
    """Takes raw inputs (the run's own normalisation is applied) and gives a table, one row an input.

    Inputs: an array B × the shape of one example, or a table with the columns that the run was trained on, in
    any order; of a run on text also texts, in a list or in a table's column `text`, which become tokens as they did
    for training, and in a world the names of its states. Raises ValueError when columns or shape don't fit, for
    numbers that are not finite, and for indices and names that stand for nothing.
    """

    def __init__(self, folder: str | Path) -> None:
        self.parts = load_model(Path(folder))

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> "pd.DataFrame":
        import pandas as pd

        return pd.DataFrame(self.parts.task.predict(self._tensor(model_input)))

    def _tensor(self, given: Any) -> torch.Tensor:
        data = self.parts.data
        if TEXT in getattr(given, "columns", ()) and data.kind == "tokens":
            given = given[TEXT].tolist()
        if isinstance(given, list) and given and isinstance(given[0], str):
            return _states(given, data.vocabulary) if data.kind == "state" else data.encode(given)
        if hasattr(given, "columns") and data.features:
            missing = [name for name in data.features if name not in given.columns]
            if missing:
                raise ValueError(f"The input lacks the columns {', '.join(missing)}.")
            given = given[list(data.features)]
        # Indices as doubles first: 1.5 as an integer would be 1, and stand for something.
        values = np.array(given, dtype=np.float64 if data.kind in INDEX_KINDS else np.float32)
        if values.shape[1:] != data.shape and len(values) and values[0].size == int(np.prod(data.shape)):
            values = values.reshape(-1, *data.shape)
        if values.shape[1:] != data.shape:
            raise ValueError(f"Inputs must be B × {' × '.join(map(str, data.shape))}, not {values.shape}.")
        if data.kind in INDEX_KINDS:
            values = _indices(values, len(data.vocabulary))
        elif not (data.kind == "sequence" and data.examples.padded):  # where NaN stands for padding
            _require_finite(values)
        return torch.from_numpy(values)


def model_folder(run: Path) -> Path:
    """All that prediction needs of a run. Raises ConfigError for a run that did not finish."""
    if not (run / "model" / "weights.safetensors").exists():
        raise ConfigError(f"{run.name} has no trained model: it did not finish.")
    return run / "model"


def _indices(values: np.ndarray, known: int) -> np.ndarray:
    fits = (values == np.floor(values)) & (values >= 0) & (values < known)
    if not fits.all():
        raise ValueError(f"{values[~fits][0]:g} is no index: they are whole numbers from 0 to {known - 1}.")
    return values.astype(np.int64)


def _require_finite(values: np.ndarray) -> None:
    finite = np.isfinite(values).reshape(len(values), -1).all(1)
    if not finite.all():
        raise ValueError(f"Row {int(finite.argmin()) + 1} has a gap, or a number that is not finite.")


def _states(names: list[str], known: tuple[str, ...]) -> torch.Tensor:
    """Names of states as B × 1 indices."""
    unknown = next((name for name in names if name not in known), None)
    if unknown is not None:
        raise ValueError(f"There is no state {unknown!r}; one is called {known[0]!r}.")
    return torch.tensor([[known.index(name)] for name in names])
