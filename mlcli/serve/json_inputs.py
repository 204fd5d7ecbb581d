"""Inputs as JSON: a list of examples, a table by columns, or one of the formats of MLflow's scoring server."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcli.config.errors import ConfigError
from mlcli.loading.dataset import DataSet
from mlcli.serve.table import require_size, select_inputs, texts

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("dataframe_split", "dataframe_records", "instances", "inputs")


def parse_json(text: str) -> Any:
    """Parses JSON. Raises ConfigError, also for text beyond the limits of Python's parser."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"is not valid JSON ({error.msg}: line {error.lineno}, column {error.colno})") from error
    except RecursionError as error:
        raise ConfigError("is JSON that is nested too deeply") from error
    except ValueError as error:  # Python converts no integer of more than 4,300 digits
        raise ConfigError("holds a number with too many digits") from error


def inputs_from_json(content: Any, data: DataSet, most: int | None = None) -> Any:
    """Inputs for `Predictor.predict` from parsed JSON; at most the first `most` rows. Raises ConfigError for inputs
    that do not fit the data."""
    if isinstance(content, dict):
        content = _unwrapped(content)
    if isinstance(content, dict):
        return select_inputs(_table(content, data, most), data)
    if not isinstance(content, list):
        raise ConfigError(f"must hold a list of examples, or a table as one of {', '.join(FORMATS)}")
    content = content[:most]
    if any(isinstance(row, dict) for row in content):
        return select_inputs(_from_records(content, data), data)
    if any(isinstance(row, str) for row in content):
        return texts(content, data)
    try:
        return np.array(_pad(content, data), dtype=np.float64)  # null becomes NaN
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigError("its rows are not all numbers and of the same size") from error


def _unwrapped(content: dict[str, Any]) -> Any:
    """The content of one of the formats."""
    formats = [name for name in FORMATS if name in content]
    if len(formats) != 1:
        raise ConfigError(f"must be a list, or hold exactly one of {', '.join(FORMATS)}")
    return content[formats[0]]


def _table(content: dict[str, Any], data: DataSet, most: int | None) -> "pd.DataFrame":
    """A table from columns and rows, or from a list per column."""
    import pandas as pd

    if content.keys() >= {"columns", "data"}:
        names, rows = content["columns"], content["data"]
        if not isinstance(names, list) or not all(isinstance(name, str | int | float) for name in names):
            raise ConfigError("`columns` must be a list of names")
        if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
            raise ConfigError("`data` must be a list of rows, and each row a list")
        require_size(len(rows[:most]), len(names), data)
        return _dataframe(lambda: pd.DataFrame(rows[:most], columns=names))
    if not all(isinstance(column, list) for column in content.values()):
        raise ConfigError("must hold a list of values for each column")
    require_size(1, len(content), data)
    return _dataframe(lambda: pd.DataFrame({name: column[:most] for name, column in content.items()}))


def _from_records(rows: list[Any], data: DataSet) -> "pd.DataFrame":
    import pandas as pd

    odd = next((place for place, row in enumerate(rows, 1) if not isinstance(row, dict)), None)
    if odd is not None:
        raise ConfigError(f"row {odd} names no columns, as other rows do")
    require_size(len(rows), len({name for row in rows for name in row}), data)
    return _dataframe(lambda: pd.DataFrame(rows))


def _dataframe(make: "Callable[[], pd.DataFrame]") -> "pd.DataFrame":
    try:
        return make()
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ConfigError("its columns and rows do not form a table") from error


def _pad(rows: list[Any], data: DataSet) -> list[Any]:
    """Pads shorter sequences to full length, as in training: time steps with gaps, tokens with 0."""
    if not data.examples.padded:
        return rows
    require_size(len(rows), int(np.prod(data.shape)), data)
    steps, *width = data.shape
    filling = [None] * width[0] if width else 0
    return [row + [filling] * (steps - len(row)) if isinstance(row, list) else row for row in rows]
