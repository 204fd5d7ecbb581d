"""Omniglot: 1,623 characters of 50 alphabets, each written by 20 people (Lake et al. 2015)."""

import io
import zipfile
from pathlib import Path

import numpy as np
import torch

from mlcli.loading.archives import archive_errors, read_member
from mlcli.loading.cache import Arrays, cached
from mlcli.loading.dataset import Examples
from mlcli.loading.download import download

URL = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/"
MD5 = {
    "images_background.zip": "68d2efa1b9178cc56df9314c21c6e718",
    "images_evaluation.zip": "6b91aef0f799c5bb55b94e3f2daec811",
}
SIZE, ORIGINAL_SIZE = 28, 105  # pixels
LARGEST = 1 << 16  # bytes of an image file


def omniglot(folder: str | None = None) -> Examples:
    """Images N × 1 × 28 × 28 with values from 0 (paper) to 1 (ink). The groups are the alphabets: with
    split.by=group the test split has new alphabets, with split.by=class new characters.

    folder: with the two archives, which are downloaded otherwise. Raises ValueError, with both options, if neither
    works.
    """
    archives = _archives(folder)
    arrays = _parse(archives) if folder is not None else cached(f"omniglot-{SIZE}", lambda: _parse(archives))
    classes = tuple(arrays["names"].tolist())
    targets = torch.from_numpy(arrays["labels"]).long()
    alphabets = np.unique([name.partition("/")[0] for name in classes], return_inverse=True)[1]
    return Examples(
        name="omniglot",
        kind="image",
        inputs=torch.from_numpy(arrays["images"]).float().unsqueeze(1) / 255,
        targets=targets,
        classes=classes,
        target="character",
        source=URL,
        groups=torch.from_numpy(alphabets)[targets],
    )


def _archives(folder: str | None) -> list[Path]:
    if folder is not None:
        paths = [Path(folder) / name for name in MD5]
        if not all(path.exists() for path in paths):
            raise ValueError(f"data.folder={folder} lacks {' or '.join(MD5)}.")
        return paths
    try:
        return [download(URL + name, md5, "omniglot") for name, md5 in MD5.items()]
    except ValueError as error:
        raise ValueError(
            f"data=omniglot is not available: put {' and '.join(MD5)} into a folder and use data.folder=FOLDER, or "
            f"use data=glyphs, which needs no download ({error})"
        ) from error


def _parse(archives: list[Path]) -> Arrays:
    """names: alphabet/number of each character. The files are called set/ALPHABET/characterNUMBER/ID.png."""
    found = sorted((name, image) for archive in archives for name, image in _read(archive))
    names, labels = np.unique([name for name, _ in found], return_inverse=True)
    images = np.frombuffer(bytearray().join(image for _, image in found), np.uint8).reshape(-1, SIZE, SIZE)
    return {"images": images, "labels": labels, "names": names}


def _read(archive: Path) -> list[tuple[str, bytes]]:
    from PIL import Image  # brought by matplotlib

    found = []
    with archive_errors(archive, "Omniglot's"), zipfile.ZipFile(archive) as packed:
        for name in packed.namelist():
            if name.endswith(".png"):
                _, alphabet, character, _ = name.split("/")
                paper = Image.open(io.BytesIO(read_member(packed, name, LARGEST)), formats=("PNG",))
                if paper.size != (ORIGINAL_SIZE, ORIGINAL_SIZE):
                    raise ValueError(f"{name} has {paper.size[0]} × {paper.size[1]} pixels")
                small = 255 - np.asarray(paper.convert("L").resize((SIZE, SIZE), Image.Resampling.BOX))
                found.append((f"{alphabet}/{character.removeprefix('character')}", small.tobytes()))
    return found
