"""Raw inputs for a run from a file: a table, JSON, arrays, a picture or lines of text, by how its name ends."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcli.config.errors import ConfigError
from mlcli.data.dataset import DataSet
from mlcli.serve.picture import read_picture

if TYPE_CHECKING:
    import pandas as pd

STDIN = "-"  # instead of a file: a CSV on standard input
FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")  # of MLflow's scoring server
NAMED = 8  # so many missing columns are named


def read_inputs(file: str, data: DataSet, model: Path) -> Any:
    """What `Predictor.predict` takes: a table, an array or texts, N rows. `model`: the run's `model` folder.

    Raises ConfigError, which names the file, for one that cannot be read and for one that does not fit the data.
    """
    ending = ".csv" if file == STDIN else Path(file).suffix.lower()
    readers: dict[str, Callable[[], Any]] = {
        ".csv": lambda: _fitting(_csv(file), data),
        ".json": lambda: _from_json(_json(file), data),
        ".npy": lambda: np.load(file, allow_pickle=False),
        ".npz": lambda: _npz(file),
        ".txt": lambda: _texts(_lines(file), data),
        **dict.fromkeys((".png", ".jpg", ".jpeg"), lambda: read_picture(Path(file), data, model)),
    }
    if ending not in readers:
        raise ConfigError(f"{file} cannot be read: type a file {' '.join(readers)}, or - for CSV on stdin.")
    try:
        inputs = readers[ending]()
    except (OSError, ValueError, EOFError) as error:  # a file that is not there, or not what its name says
        raise ConfigError(f"{file}: {getattr(error, 'strerror', None) or error}") from error
    if np.ndim(inputs) == 0 or len(inputs) == 0:
        raise ConfigError(f"{file} holds no row to predict.")
    return inputs


def _csv(file: str) -> "pd.DataFrame":
    import pandas as pd

    table = pd.read_csv(sys.stdin if file == STDIN else file)
    if len(table.columns) > 1 and _are_numbers(list(table.columns)):
        raise ConfigError("the first line must name the columns, and it holds numbers.")
    return table


def _are_numbers(names: list[str]) -> bool:
    """Not so for 0, 1, 2 …, which are the names that pandas gives to columns that have none."""
    try:
        return [float(name) for name in names] != list(range(len(names)))
    except ValueError:
        return False


def _fitting(table: "pd.DataFrame", data: DataSet) -> "pd.DataFrame | np.ndarray":
    """The columns that the run was trained on; where these have no names, all but the target, in their order."""
    if data.kind == "vector" and data.features:
        missing = [name for name in data.features if name not in table.columns]
        if missing:
            more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
            raise ConfigError(f"lacks the columns {', '.join(missing[:NAMED])}{more}.")
        return _numeric(table[list(data.features)])
    table, numbers = table.drop(columns=data.target, errors="ignore"), int(np.prod(data.shape))
    if table.shape[1] != numbers:
        shape = " × ".join(map(str, data.shape))
        raise ConfigError(f"has {table.shape[1]} columns where an example has {numbers} numbers ({shape}).")
    return _numeric(table).to_numpy()


def _numeric(table: "pd.DataFrame") -> "pd.DataFrame":
    for name in table.columns:
        if table[name].dtype.kind not in "biuf":
            raise ConfigError(f"the column {name} holds {table[name].iloc[0]!r} and the like, where numbers are due.")
    return table


def _json(file: str) -> Any:
    """One of the server's forms, or what would stand in it."""
    content = json.loads(Path(file).read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        return content
    forms = [form for form in FORMS if form in content]
    if len(forms) != 1:
        raise ConfigError(f"must be a list, or hold exactly one of {', '.join(FORMS)}.")
    return content[forms[0]]


def _from_json(content: Any, data: DataSet) -> Any:
    import pandas as pd

    if isinstance(content, dict):
        split = content.keys() >= {"columns", "data"}
        table = pd.DataFrame(content["data"], columns=content["columns"]) if split else pd.DataFrame(content)
        return _fitting(table, data)
    if isinstance(content, list) and content and isinstance(content[0], dict):
        return _fitting(pd.DataFrame(content), data)
    if isinstance(content, list) and content and isinstance(content[0], str):
        return _texts(content, data)
    try:
        return np.array(content, dtype=np.float64)  # null becomes NaN, which pads sequences
    except (TypeError, ValueError) as error:
        raise ConfigError("its rows are not all numbers and of the same size.") from error


def _npz(file: str) -> np.ndarray:
    with np.load(file, allow_pickle=False) as arrays:
        name = "inputs" if "inputs" in arrays else arrays.files[0] if len(arrays.files) == 1 else None
        if name is None:
            raise ConfigError(f"holds {', '.join(arrays.files) or 'nothing'}: name the array of inputs `inputs`.")
        return np.asarray(arrays[name])


def _lines(file: str) -> list[str]:
    return Path(file).read_text(encoding="utf-8").removesuffix("\n").split("\n")


def _texts(texts: list[str], data: DataSet) -> list[str]:
    if not data.examples.tokenizer:
        raise ConfigError(f"is text, and this run was trained on data={data.name}, which is {data.kind}.")
    for row, text in enumerate(texts, 1):
        if not isinstance(text, str) or not text.strip():
            raise ConfigError(f"row {row} holds no text.")
    return texts
