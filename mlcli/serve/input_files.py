"""Raw inputs from a file: a table, JSON, arrays, an image or lines of text, according to its extension; and the
images of a folder."""

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

IMAGES = (".png", ".jpg", ".jpeg")
MAX_TEXT = 256 << 20  # bytes of a file that is read as a whole


def read_inputs(file: str, data: DataSet, model: Path) -> Any:
    """Inputs for `Predictor.predict`: a table, an array or texts, N rows. model: the run's `model` folder.

    Raises ConfigError with the file's name if it cannot be read or does not fit the data.
    """
    ending = ".csv" if file == STDIN else Path(file).suffix.lower()
    readers: dict[str, Callable[[], Any]] = {
        ".csv": lambda: select_inputs(_parse(read_csv, file, data), data),
        ".json": lambda: inputs_from_json(parse_json(_parse(_text, file)), data),
        ".npy": lambda: _parse(read_npy, file),
        ".npz": lambda: _parse(read_npz, file),
        ".txt": lambda: texts(_parse(_text, file).removesuffix("\n").split("\n"), data),
        **dict.fromkeys(IMAGES, lambda: _parse(read_image, Path(file), data, model)),
    }
    if ending not in readers:
        raise ConfigError(
            f"{file} cannot be read: use a file {' '.join(readers)}, a folder of images, or - for CSV on stdin"
        )
    try:
        inputs = readers[ending]()
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from error
    if np.ndim(inputs) == 0 or len(inputs) == 0:
        raise ConfigError(f"{file} holds no row to predict")
    return inputs


def images_in(folder: Path) -> list[Path]:
    """The image files below a folder, without hidden ones, sorted by path. Raises ConfigError if there is none."""
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )
    if not found:
        raise ConfigError(
            f"{folder} holds no image: use a folder with {', '.join(IMAGES)} files, or one file of inputs"
        )
    return found


def _parse(reader: Callable[..., Any], *arguments: Any) -> Any:
    """Calls a reader. Raises ConfigError if it fails."""
    try:
        return reader(*arguments)
    except ConfigError:
        raise
    except MemoryError as error:
        raise ConfigError("needs more memory than is available") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not text in UTF-8 (byte {error.start + 1})") from error
    except Exception as error:  # NumPy, pandas, Pillow and zipfile raise many types of errors for damaged files
        reason = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
        raise ConfigError(reason.splitlines()[0]) from error


def _text(file: str) -> str:
    size = Path(file).stat().st_size
    if size > MAX_TEXT:
        raise ConfigError(f"has {size:,} bytes, more than {MAX_TEXT:,}: use .csv or .npy")
    return Path(file).read_text(encoding="utf-8-sig")
