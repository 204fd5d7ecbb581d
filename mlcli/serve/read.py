"""Raw inputs for a run from a file: a table, JSON, arrays, a picture or lines of text, by how its name ends."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mlcli.config.errors import ConfigError
from mlcli.data.dataset import DataSet
from mlcli.serve.picture import read_picture
from mlcli.serve.table import STDIN, fitting, read_csv, texts

FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")  # of MLflow's scoring server


def read_inputs(file: str, data: DataSet, model: Path) -> Any:
    """What `Predictor.predict` takes: a table, an array or texts, N rows. `model`: the run's `model` folder.

    Raises ConfigError, which names the file, for one that cannot be read and for one that does not fit the data.
    """
    ending = ".csv" if file == STDIN else Path(file).suffix.lower()
    readers: dict[str, Callable[[], Any]] = {
        ".csv": lambda: read_csv(file, data),
        ".json": lambda: _from_json(_json(file), data),
        ".npy": lambda: np.load(file, allow_pickle=False),
        ".npz": lambda: _npz(file),
        ".txt": lambda: texts(_lines(file), data),
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
        return fitting(table, data)
    if isinstance(content, list) and content and isinstance(content[0], dict):
        return fitting(pd.DataFrame(content), data)
    if isinstance(content, list) and content and isinstance(content[0], str):
        return texts(content, data)
    try:
        return np.array(_filled_up(content, data), dtype=np.float64)  # null becomes NaN
    except (TypeError, ValueError) as error:
        raise ConfigError("its rows are not all numbers and of the same size.") from error


def _filled_up(rows: Any, data: DataSet) -> Any:
    """Shorter sequences at full length, as they were for training: with gaps for steps, with 0 for tokens."""
    if not data.examples.padded or not isinstance(rows, list):
        return rows
    steps, *width = data.shape
    filling = [None] * width[0] if width else 0
    return [row + [filling] * (steps - len(row)) if isinstance(row, list) else row for row in rows]


def _npz(file: str) -> np.ndarray:
    with np.load(file, allow_pickle=False) as arrays:
        name = "inputs" if "inputs" in arrays else arrays.files[0] if len(arrays.files) == 1 else None
        if name is None:
            raise ConfigError(f"holds {', '.join(arrays.files) or 'nothing'}: name the array of inputs `inputs`.")
        return np.asarray(arrays[name])


def _lines(file: str) -> list[str]:
    return Path(file).read_text(encoding="utf-8").removesuffix("\n").split("\n")
