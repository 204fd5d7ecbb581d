"""Data sets in IDX, the file format of MNIST: from a folder, a system package, or a download."""

import gzip
import zlib
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import torch

from mlcli.loading.dataset import Examples
from mlcli.loading.download import download

LARGEST = 1 << 30  # values in a file
FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


@dataclass(frozen=True)
class IdxSource:
    """Where to find the four files of a data set. md5: in the order of FILES; package: a system package of them."""

    name: str
    url: str
    md5: tuple[str, str, str, str]
    system_folder: Path
    package: str | None = None


def read_idx(path: Path) -> np.ndarray:
    """The array of unsigned bytes in a gzipped IDX file; unpacks no more than the header declares. Raises ValueError
    for any other file."""
    try:
        with gzip.open(path) as file:
            # Two zeros, the type (8: unsigned bytes), the number of dimensions; then their sizes.
            start = file.read(4)
            sizes = file.read(4 * start[3]) if start[:3] == b"\0\0\x08" and len(start) == 4 else b""
            if not sizes or len(sizes) < 4 * start[3]:
                raise ValueError(f"{path} is not an IDX file of unsigned bytes.")
            shape = np.frombuffer(sizes, ">u4").tolist()
            count = prod(shape)
            if count > LARGEST:
                raise ValueError(f"{path} declares {count:,} values, more than {LARGEST:,}.")
            values = file.read(count + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} cannot be decompressed by gzip ({error}).") from error
    if len(values) != count:
        found = f"{len(values)}" if len(values) < count else f"more than {count}"
        raise ValueError(f"{path} is damaged: it has {found} values instead of {count}.")
    return np.frombuffer(values, np.uint8).reshape(shape)


def load_idx(source: IdxSource, classes: tuple[str, ...], target: str, folder: str | None = None) -> Examples:
    """Training and test images, N × 1 × 28 × 28 with values from 0 to 1; the test split is the official one.

    The files are read from `folder` if given, else from the folder of the system package, else downloaded. Raises
    ValueError with all options if none works.
    """
    train_x, train_y, test_x, test_y = (read_idx(path) for path in _files(source, folder))
    if (len(train_x), len(test_x)) != (len(train_y), len(test_y)):
        raise ValueError(f"data={source.name}: the numbers of images and labels differ.")
    images = torch.from_numpy(np.concatenate([train_x, test_x]))
    return Examples(
        name=source.name,
        kind="image",
        inputs=images.unsqueeze(1).float() / 255,
        targets=torch.from_numpy(np.concatenate([train_y, test_y])).long(),
        classes=classes,
        target=target,
        source=source.url,
        test=torch.arange(len(train_x), len(images)),
    )


def _files(source: IdxSource, folder: str | None) -> list[Path]:
    place = source.system_folder if folder is None else Path(folder)
    paths = [place / name for name in FILES]
    if all(path.exists() for path in paths):
        return paths
    if folder is not None:
        raise ValueError(f"data.folder={folder} lacks some of {', '.join(FILES)}.")
    try:
        return [download(source.url + name, md5, source.name) for name, md5 in zip(FILES, source.md5, strict=True)]
    except ValueError as error:
        package = f"run apt-get install {source.package}, or " if source.package else ""
        raise ValueError(
            f"data={source.name} is not available: {package}put its four .gz files into a folder and use "
            f"data.folder=FOLDER ({error})"
        ) from error
