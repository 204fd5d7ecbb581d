"""Letters of five alphabets in the fonts of matplotlib: many classes with few images each, like Omniglot (Lake et al.
2015), without a download."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from importlib.metadata import version
from itertools import combinations
from pathlib import Path
from typing import Annotated

import numpy as np
import torch

from mlcli.config.ranges import Range
from mlcli.loading.cache import Arrays, cached
from mlcli.loading.dataset import Examples

ALPHABETS = {"LATIN", "GREEK", "CYRILLIC", "GEORGIAN", "ARMENIAN"}
FONTS = ("DejaVuSans", "DejaVuSerif", "STIXGeneral")  # prefixes of the files: 16 faces, upright and italic
SIZE, EM = 28, 22  # pixels of an image, and of the font
Letters = dict[int, dict[int, bytes]]  # code point → face → image


def glyphs(images: Annotated[int, Range(1)] = 8) -> Examples:
    """Images N × 1 × 28 × 28 with values from 0 to 1, of the letters with at least `images` images.

    All have one font size and are centred. Letters that look alike are one class, such as the Latin, Greek and
    Cyrillic A. All images are different, within and across classes. Raises ValueError if fewer than two letters have
    that many images.
    """
    arrays = cached(f"glyphs-{version('matplotlib')}", _parse)
    labels = torch.from_numpy(arrays["labels"]).long()
    counts = labels.bincount()
    if (counts >= images).sum() < 2:
        most = int(counts.sort().values[-2])
        raise ValueError(f"data.images={images}: fewer than two letters have {images} images; use {most} or less.")
    enough = counts >= images
    kept = enough[labels]
    return Examples(
        name="glyphs",
        kind="image",
        inputs=torch.from_numpy(arrays["images"])[kept].float().unsqueeze(1) / 255,
        targets=(enough.cumsum(0) - 1)[labels[kept]],
        classes=tuple(arrays["names"][enough.numpy()].tolist()),
        target="letter",
        source="letters in 16 faces of DejaVu and STIX, from matplotlib",
    )


def _parse() -> Arrays:
    """names: of each class, the character with the lowest code point."""
    letters: Letters = defaultdict(dict)
    for code, face, image in _render():
        letters[code][face] = image
    look = _look_alikes(letters)
    owners = defaultdict(set)
    for code, faces in letters.items():
        for image in faces.values():
            owners[image].add(look[code])
    own = sorted((min(codes), image) for image, codes in owners.items() if len(codes) == 1)
    codes, labels = np.unique([code for code, _ in own], return_inverse=True)
    images = np.frombuffer(bytearray().join(image for _, image in own), np.uint8).reshape(-1, SIZE, SIZE)
    return {"images": images, "labels": labels, "names": np.array([chr(code) for code in codes])}


def _render() -> Iterator[tuple[int, int, bytes]]:
    """Code point, face and image of every letter in every face that has it, except letters that are too large."""
    from matplotlib import get_data_path
    from matplotlib.ft2font import FT2Font

    files = sorted(path for name in FONTS for path in Path(get_data_path(), "fonts", "ttf").glob(f"{name}*.ttf"))
    for face, path in enumerate(path for path in files if "Display" not in path.stem):  # these contain symbols
        font = FT2Font(str(path))
        font.set_size(EM, 72)  # dots per inch, so that a point is a pixel
        for code in sorted(font.get_charmap()):
            if unicodedata.name(chr(code), "").split(" ")[0] in ALPHABETS and chr(code).isalpha():
                font.set_text(chr(code))
                font.draw_glyphs_to_bitmap()
                image = _centred(np.asarray(font.get_image()))
                if image is not None:
                    yield code, face, image.tobytes()


def _centred(bitmap: np.ndarray) -> np.ndarray | None:
    """The letter in the middle of an image; None if the bitmap is empty or too large."""
    rows, columns = (np.flatnonzero(bitmap.any(axis)) for axis in (1, 0))
    if not len(rows):
        return None
    ink = bitmap[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = ink.shape
    if max(height, width) > SIZE:
        return None
    image = np.zeros((SIZE, SIZE), np.uint8)
    top, left = (SIZE - height) // 2, (SIZE - width) // 2
    image[top : top + height, left : left + width] = ink
    return image


def _look_alikes(letters: Letters) -> dict[int, int]:
    """For each letter the first one that looks like it, transitively. Two letters look alike if their images are
    equal in at least half of the faces that have both."""
    same: Counter[tuple[int, int]] = Counter()
    by_image = defaultdict(list)
    for code, faces in letters.items():
        for face, image in faces.items():
            by_image[face, image].append(code)
    for codes in by_image.values():
        same.update(combinations(sorted(codes), 2))
    look = {code: code for code in letters}
    for (one, other), count in same.items():
        if count >= len(letters[one].keys() & letters[other].keys()) / 2:
            first, second = sorted((look[one], look[other]))
            look = {code: first if seen == second else seen for code, seen in look.items()}
    return look
