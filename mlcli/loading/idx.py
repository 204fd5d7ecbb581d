"""Data sets in MNIST's own file format, IDX: from the system's package folder, or downloaded."""

import gzip
import zlib
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import torch

from mlcli.loading.dataset import Examples
from mlcli.loading.download import download

LARGEST = 1 << 30  # values of a file
FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


@dataclass(frozen=True)
class IdxSource:
    """Where a data set's four files are: MD5 sums in the order of FILES, and the package that brings them."""

    name: str
    url: str
    md5: tuple[str, str, str, str]
    system_folder: Path
    package: str | None = None


def read_idx(path: Path) -> np.ndarray:
    """An array of unsigned bytes from a gzipped IDX file, of which no more is unpacked than its header says. Raises
    ValueError if it is none."""
    try:
        with gzip.open(path) as file:
            # Two zeros, the type (8: unsigned bytes), the number of dimensions; then their sizes.
            start = file.read(4)
            sizes = file.read(4 * start[3]) if start[:3] == b"\0\0\x08" and len(start) == 4 else b""
            if not sizes or len(sizes) < 4 * start[3]:
                raise ValueError(f"{path} is no IDX file of bytes.")
            shape = np.frombuffer(sizes, ">u4").tolist()
            count = prod(shape)
            if count > LARGEST:
                raise ValueError(f"{path} claims {count:,} values, more than {LARGEST:,}.")
            values = file.read(count + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} cannot be unpacked by gzip ({error}).") from error
    if len(values) != count:
        found = f"{len(values)}" if len(values) < count else f"more than {count}"
        raise ValueError(f"{path} is damaged: it holds {found} values where {count} are due.")
    return np.frombuffer(values, np.uint8).reshape(shape)


def load_idx(source: IdxSource, classes: tuple[str, ...], target: str, folder: str | None = None) -> Examples:
    """Training and test images, N × 1 × 28 × 28 with values 0 to 1; the test split is the official one.

    The files are looked for in `folder` if given, else in the system's package folder, else downloaded. Raises
    ValueError that names every way when none works.
    """
    train_x, train_y, test_x, test_y = (read_idx(path) for path in _files(source, folder))
    if (len(train_x), len(test_x)) != (len(train_y), len(test_y)):
        raise ValueError(f"data={source.name}: its files of images and of labels do not belong together.")
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
            f"data={source.name} is not here: {package}put its four .gz files into a folder and use "
            f"data.folder=FOLDER ({error})"
        ) from error
