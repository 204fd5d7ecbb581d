"""Answers for raw inputs, from a run's `model` folder: what MLflow's pyfunc, HTTP and `mlcli predict` share."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mlcli.data.dataset import INDEX_KINDS
from mlcli.run.load import load_model

if TYPE_CHECKING:
    import pandas as pd


class Predictor:
    """Takes raw inputs (the run's own normalisation is applied) and gives a table, one row an input.

    Inputs: an array B × the shape of one example, or a table with the columns that the run was trained on, in
    any order; of a run on text also texts, which become tokens as they did for training, and of one in a world also
    names of states. Raises ValueError when columns, names or shape don't fit.
    """

    def __init__(self, folder: str | Path) -> None:
        self.parts = load_model(Path(folder))

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> "pd.DataFrame":
        import pandas as pd

        return pd.DataFrame(self.parts.task.predict(self._tensor(model_input)))

    def _tensor(self, given: Any) -> torch.Tensor:
        data = self.parts.data
        if hasattr(given, "columns") and data.features:
            missing = [name for name in data.features if name not in given.columns]
            if missing:
                raise ValueError(f"The input lacks the columns {', '.join(missing)}.")
            given = given[list(data.features)]
        if data.kind == "tokens" and len(given) and isinstance(given[0], str):
            return data.encode(list(given))
        if data.kind == "state" and len(given) and isinstance(given[0], str):
            return _states(list(given), data.vocabulary)
        values = np.asarray(given, dtype=np.int64 if data.kind in INDEX_KINDS else np.float32)
        if values.shape[1:] != data.shape and values[0].size == int(np.prod(data.shape)):
            values = values.reshape(-1, *data.shape)
        if values.shape[1:] != data.shape:
            raise ValueError(f"Inputs must be B × {' × '.join(map(str, data.shape))}, not {values.shape}.")
        return torch.from_numpy(np.ascontiguousarray(values))


def _states(names: list[str], known: tuple[str, ...]) -> torch.Tensor:
    """Names of states as B × 1 indices."""
    unknown = next((name for name in names if name not in known), None)
    if unknown is not None:
        raise ValueError(f"There is no state {unknown!r}; one is called {known[0]!r}.")
    return torch.tensor([[known.index(name)] for name in names])
