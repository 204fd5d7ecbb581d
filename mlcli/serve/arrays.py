"""Arrays of inputs from .npy and .npz files. What they claim to hold is checked against what is there."""

import zipfile

import numpy as np

from mlcli.config.errors import ConfigError

INPUTS = "inputs"  # the array that is meant, where an archive has several
NAMED = 8  # so many arrays are listed
UNPACKED = 1 << 30  # bytes that an archive may unpack to


def read_npy(file: str) -> np.ndarray:
    """An array that stays on disk until its rows are used. Raises ConfigError for what is no array of numbers."""
    return _numbers(np.lib.format.open_memmap(file, mode="r"))


def read_npz(file: str) -> np.ndarray:
    """The array `inputs`, or the only one. Raises ConfigError for an archive that would unpack to more than 1 GiB."""
    with zipfile.ZipFile(file) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > UNPACKED:
        raise ConfigError(f"unpacks to {size:,} bytes, more than {UNPACKED:,}: save the inputs as .npy")
    with np.load(file, allow_pickle=False) as arrays:
        names = list(arrays.files)
        name = INPUTS if INPUTS in names else names[0] if len(names) == 1 else None
        if name is None:
            listed = ", ".join(names[:NAMED]) or "nothing"
            raise ConfigError(f"holds {listed}: name the array of inputs `{INPUTS}`")
        return _numbers(arrays[name])


def _numbers(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "biuf":
        raise ConfigError(f"holds values of type {array.dtype}, where real numbers are expected")
    return array
