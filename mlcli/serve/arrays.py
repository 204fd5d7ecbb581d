"""Arrays of inputs from .npy and .npz files, within limits of size."""

import zipfile

import numpy as np

from mlcli.config.errors import ConfigError

INPUTS = "inputs"  # the name of the array to read from an archive with several
LISTED = 8  # arrays in a message
MAX_UNPACKED = 1 << 30  # bytes of an unpacked archive


def read_npy(file: str) -> np.ndarray:
    """A memory-mapped array. Raises ConfigError if it is not an array of real numbers."""
    return _numbers(np.lib.format.open_memmap(file, mode="r"))


def read_npz(file: str) -> np.ndarray:
    """The array `inputs`, or the only one. Raises ConfigError for an archive that unpacks to more than 1 GiB."""
    with zipfile.ZipFile(file) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > MAX_UNPACKED:
        raise ConfigError(f"unpacks to {size:,} bytes, more than {MAX_UNPACKED:,}: save the inputs as .npy")
    with np.load(file, allow_pickle=False) as arrays:
        names = list(arrays.files)
        name = INPUTS if INPUTS in names else names[0] if len(names) == 1 else None
        if name is None:
            listed = ", ".join(names[:LISTED]) or "nothing"
            raise ConfigError(f"holds {listed}: name the array of inputs `{INPUTS}`")
        return _numbers(arrays[name])


def _numbers(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "biuf":
        raise ConfigError(f"holds values of type {array.dtype}, where real numbers are expected")
    return array
