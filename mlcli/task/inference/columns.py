"""Predictions as columns of a table. B rows."""

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

OF_EACH_NAME = {"probabilities": "probability", "values": "value"}  # of classes or actions → prefix of the columns


def to_columns(predictions: Mapping[str, Tensor], names: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Columns of length B. names: of the indices in `prediction`, and of the columns of `probabilities` and `values`.

    B × C probabilities become the columns `probability/NAME`, any other matrix `m` becomes `m/0`, `m/1` and so on.
    """
    columns: dict[str, np.ndarray] = {}
    for key, tensor in predictions.items():
        values = tensor.cpu().numpy()
        if values.ndim > 1:
            columns |= labelled(OF_EACH_NAME.get(key, key), values, names if key in OF_EACH_NAME else ())
        elif key == "prediction" and names and values.dtype.kind == "i":
            columns[key] = np.array(names)[values]
        else:
            columns[key] = values
    return columns


def labelled(prefix: str, values: np.ndarray, labels: Sequence[object] = ()) -> dict[str, np.ndarray]:
    """One column for each of C labels, by default 0, 1 and so on, from B × C values."""
    named = zip(labels or range(values.shape[1]), values.T, strict=True)
    return {f"{prefix}/{label}": column for label, column in named}
