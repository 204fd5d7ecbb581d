"""Predictions for raw inputs from a run's `model` folder, for `mlcli predict`, HTTP and MLflow's pyfunc."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mlcli.config.errors import ConfigError
from mlcli.loading.dataset import INDEX_KINDS, DataSet
from mlcli.loading.table.schema import Encoded
from mlcli.loading.tokenizer import TEXT
from mlcli.padding import broken
from mlcli.run.load import load_model
from mlcli.serve.pipeline import Pipeline
from mlcli.serve.rows import as_arrow

if TYPE_CHECKING:
    import pandas as pd


class Predictor:
    """Returns a table of predictions, one row per input. Raw inputs are normalised as in training.

    Inputs are an array B × the shape of one example, or a table with the columns that the run was trained on, in any
    order. A run on text also accepts texts, in a list or in a table's column `text`, and a run on states the names of
    states. Sequences may be padded at their end if those of training were. A run on a table takes a table of Arrow or
    pandas, or rows that `encode` has encoded.

    Raises ValueError if columns or shape do not fit. Its subclass InvalidRow is raised for numbers that are not
    finite, gaps, empty sequences, and unknown indices or names. Thread-safe.
    """

    def __init__(self, folder: str | Path) -> None:
        self.parts = load_model(Path(folder))
        self.pipeline = Pipeline(self.parts)

    def predict(self, model_input: Any) -> "pd.DataFrame":
        import pandas as pd

        with torch.inference_mode():
            predictions = self.pipeline(self._tensor(model_input))
        return pd.DataFrame(self.parts.task.columns(predictions))

    def encode(self, rows: Any, before: int = 0) -> Encoded:
        """Rows of a table as numbers, for a run on a table. before: rows of the file before these. Raises ValueError
        if they do not fit."""
        data = self.parts.data
        schema = data.examples.schema
        return data.encode_rows(rows if schema is None else as_arrow(rows, schema), before)

    def _tensor(self, given: Any) -> torch.Tensor:
        data = self.parts.data
        if data.kind == "table":
            return given if isinstance(given, torch.Tensor) else self.encode(given).values
        if TEXT in getattr(given, "columns", ()) and data.kind == "tokens":
            given = given[TEXT].tolist()
        if isinstance(given, list) and given and isinstance(given[0], str):
            inputs = _states(given, data.vocabulary) if data.kind == "state" else data.encode(given)
            return _checked(inputs, data)
        if hasattr(given, "columns") and data.features:
            missing = [name for name in data.features if name not in given.columns]
            if missing:
                raise ValueError(f"the input lacks the columns {', '.join(missing)}")
            given = given[list(data.features)]
        # Indices as doubles first: 1.5 would become the valid index 1 as an integer.
        values = _numbers(given, np.dtype(np.float64 if data.kind in INDEX_KINDS else np.float32))
        if values.shape[1:] != data.shape and len(values) and values[0].size == int(np.prod(data.shape)):
            values = values.reshape(-1, *data.shape)
        if values.shape[1:] != data.shape:
            raise ValueError(f"inputs must be B × {' × '.join(map(str, data.shape))}, not {values.shape}")
        if data.kind in INDEX_KINDS:
            values = _indices(values, len(data.vocabulary))
        return _checked(torch.from_numpy(values), data)


class InvalidRow(ValueError):
    """A row of the input, counted from 0, is invalid, with the reason."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(f"row {row + 1:,} {reason}")
        self.row, self.reason = row, reason


def model_folder(run: Path) -> Path:
    """The folder with the model of a run. Raises ConfigError for a run that did not finish."""
    if not (run / "model" / "weights.safetensors").exists():
        raise ConfigError(f"{run.name} has no trained model: it did not finish.")
    return run / "model"


def _numbers(given: Any, dtype: np.dtype[Any]) -> np.ndarray:
    """Rows of real numbers; None becomes NaN."""
    try:
        values = np.asarray(given)
        if values.dtype.kind not in "biufO":  # dates and complex numbers would be converted silently
            raise ValueError(f"inputs must be real numbers, not {values.dtype}")
        with np.errstate(over="ignore"):  # infinities are rejected later
            values = np.array(values, dtype=dtype)
    except (TypeError, OverflowError) as error:
        raise ValueError("inputs must be real numbers") from error
    if values.ndim == 0:
        raise ValueError("inputs must be rows, not a single number")
    return values


def _indices(values: np.ndarray, known: int) -> np.ndarray:
    fits = (values == np.floor(values)) & (values >= 0) & (values < known)
    if not fits.all():
        wrong = _first(~fits)
        raise InvalidRow(
            wrong, f"has {values[wrong][~fits[wrong]][0]:g}: indices are whole numbers from 0 to {known - 1}"
        )
    return values.astype(np.int64)


def _checked(inputs: torch.Tensor, data: DataSet) -> torch.Tensor:
    """The inputs, B × shape. Raises InvalidRow for gaps, and for padding where it is not allowed."""
    if data.kind == "tokens":
        # A language model also accepts texts that are shorter than those of training.
        wrong = broken(inputs) if data.examples.padded or data.examples.tokenizer else (inputs == 0).any(1)
        reason = "is empty, or has padding (index 0) before its end"
    elif data.kind == "sequence" and data.examples.padded:
        wrong = broken(inputs) | inputs.isinf().flatten(1).any(1)
        reason = "is empty, has a gap before its end, or a number that is not finite"
    else:
        wrong = ~inputs.isfinite().flatten(1).all(1)
        reason = "has a gap, or a number that is not finite"
    if wrong.any():
        raise InvalidRow(_first(wrong.numpy()), reason)
    return inputs


def _first(wrong: np.ndarray) -> int:
    """The first row that contains True."""
    return int(wrong.reshape(len(wrong), -1).any(1).argmax())


def _states(names: list[str], known: tuple[str, ...]) -> torch.Tensor:
    """Names of states as B × 1 indices."""
    index = {name: place for place, name in enumerate(known)}
    unknown = next((row for row, name in enumerate(names) if name not in index), None)
    if unknown is not None:
        raise InvalidRow(unknown, f"names an unknown state {names[unknown]!r}; a valid one is {known[0]!r}")
    return torch.tensor([[index[name]] for name in names])
