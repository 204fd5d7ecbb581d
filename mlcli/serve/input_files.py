"""Raw inputs for a run from a file: a table, JSON, arrays, a picture or lines of text, by the end of its name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mlcli.config.errors import ConfigError
from mlcli.loading.dataset import DataSet
from mlcli.serve.arrays import read_npy, read_npz
from mlcli.serve.image_file import read_image
from mlcli.serve.json_inputs import inputs_from_json, parse_json
from mlcli.serve.table import STDIN, read_csv, select_inputs, texts

LARGEST_TEXT = 256 << 20  # bytes of a file that is read as a whole


def read_inputs(file: str, data: DataSet, model: Path) -> Any:
    """What `Predictor.predict` takes: a table, an array or texts, N rows. `model`: the run's `model` folder.

    Raises ConfigError, which names the file, for one that cannot be read and for one that does not fit the data.
    """
    ending = ".csv" if file == STDIN else Path(file).suffix.lower()
    readers: dict[str, Callable[[], Any]] = {
        ".csv": lambda: select_inputs(_parsed(read_csv, file, data), data),
        ".json": lambda: inputs_from_json(parse_json(_parsed(_text, file)), data),
        ".npy": lambda: _parsed(read_npy, file),
        ".npz": lambda: _parsed(read_npz, file),
        ".txt": lambda: texts(_parsed(_text, file).removesuffix("\n").split("\n"), data),
        **dict.fromkeys((".png", ".jpg", ".jpeg"), lambda: _parsed(read_image, Path(file), data, model)),
    }
    if ending not in readers:
        raise ConfigError(f"{file} cannot be read: use a file {' '.join(readers)}, or - for CSV on stdin")
    try:
        inputs = readers[ending]()
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from error
    if np.ndim(inputs) == 0 or len(inputs) == 0:
        raise ConfigError(f"{file} holds no row to predict")
    return inputs


def _parsed(reader: Callable[..., Any], *arguments: Any) -> Any:
    """What the reader makes of a file. Raises ConfigError where it cannot."""
    try:
        return reader(*arguments)
    except ConfigError:
        raise
    except MemoryError as error:
        raise ConfigError("takes more memory than there is") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not text in UTF-8 (byte {error.start + 1})") from error
    except Exception as error:  # for damaged files NumPy, pandas, Pillow and zipfile raise almost anything
        reason = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
        raise ConfigError(reason.splitlines()[0]) from error


def _text(file: str) -> str:
    size = Path(file).stat().st_size
    if size > LARGEST_TEXT:
        raise ConfigError(f"has {size:,} bytes, more than {LARGEST_TEXT:,}: use .csv or .npy")
    return Path(file).read_text(encoding="utf-8-sig")
