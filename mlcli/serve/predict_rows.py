"""Predictions for any number of rows, in batches."""

from typing import TYPE_CHECKING, Any

from torch import Tensor

from mlcli.serve.predictor import InvalidRow, Predictor

if TYPE_CHECKING:
    import pandas as pd

BATCH_ROWS = 1024  # the activations of a whole file might not fit into memory


def predict_rows(predictor: Predictor, inputs: Any) -> "pd.DataFrame":
    """Predictions for any number of rows, computed in batches. Raises ValueError like the predictor."""
    import pandas as pd

    parts = []
    if predictor.parts.data.kind == "table" and not isinstance(inputs, Tensor):
        inputs = predictor.encode(inputs).values
    for start in range(0, len(inputs), BATCH_ROWS):
        try:
            parts.append(predictor.predict(_rows(inputs, start)))
        except InvalidRow as error:
            raise InvalidRow(start + error.row, error.reason) from error
    return pd.concat(parts, ignore_index=True)


def _rows(inputs: Any, start: int) -> Any:
    stop = start + BATCH_ROWS
    return inputs.iloc[start:stop] if hasattr(inputs, "iloc") else inputs[start:stop]
