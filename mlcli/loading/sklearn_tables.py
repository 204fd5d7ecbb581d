"""Reader for the tables in scikit-learn, without importing it, which would take longer than many runs."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np


def data_folder() -> Path:
    """The folder of scikit-learn's tables."""
    spec = find_spec("sklearn")
    assert spec is not None and spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "datasets" / "data"


def read_table(name: str, *, delimiter: str | None = ",", skip: int = 0) -> np.ndarray:
    """A text file (plain or gzip) as rows × columns, float64."""
    return np.loadtxt(data_folder() / name, delimiter=delimiter, skiprows=skip)


def class_names(name: str) -> tuple[str, ...]:
    """The names in the first line of a table, after its two sizes."""
    with (data_folder() / name).open(encoding="utf-8") as file:
        return tuple(file.readline().strip().split(",")[2:])
