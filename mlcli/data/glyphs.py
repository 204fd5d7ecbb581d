"""Letters of five alphabets as the fonts that matplotlib ships draw them: many classes with few images of each, as
Omniglot has (Lake et al. 2015), and no download."""

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
FONTS = ("DejaVuSans", "DejaVuSerif", "STIXGeneral")  # beginnings of the files: 16 faces, upright and italic
SIZE, EM = 28, 22  # pixels of an image, and of the font
Letters = dict[int, dict[int, bytes]]  # code point → face → image


def glyphs(images: Annotated[int, Range(1)] = 8) -> Examples:
    """Images N × 1 × 28 × 28 with values 0 to 1, of the letters that have at least so many.

    All are drawn in one size, with their ink in the middle. Letters that look alike are one class, whatever they are
    called: a network that has met the Latin A knows the Greek and the Cyrillic one. No image comes twice, neither in
    a class nor in two of them. Raises ValueError where fewer than two letters have so many images.
    """
    arrays = cached(f"glyphs-{version('matplotlib')}", _parse)
    labels = torch.from_numpy(arrays["labels"]).long()
    counts = labels.bincount()
    if (counts >= images).sum() < 2:
        most = int(counts.sort().values[-2])
        raise ValueError(f"data.images={images}: too few letters have so many images; use {most} or less.")
    enough = counts >= images
    kept = enough[labels]
    return Examples(
        name="glyphs",
        kind="image",
        inputs=torch.from_numpy(arrays["images"])[kept].float().unsqueeze(1) / 255,
        targets=(enough.cumsum(0) - 1)[labels[kept]],
        classes=tuple(arrays["names"][enough.numpy()].tolist()),
        target="letter",
        source="letters in 16 faces of DejaVu and STIX, which matplotlib ships",
    )


def _parse() -> Arrays:
    """names: of each class the first character that looks so, by code point."""
    letters: Letters = defaultdict(dict)
    for code, face, image in _draw():
        letters[code][face] = image
    look = _looks(letters)
    owners = defaultdict(set)
    for code, drawn in letters.items():
        for image in drawn.values():
            owners[image].add(look[code])
    own = sorted((min(codes), image) for image, codes in owners.items() if len(codes) == 1)
    codes, labels = np.unique([code for code, _ in own], return_inverse=True)
    images = np.frombuffer(bytearray().join(image for _, image in own), np.uint8).reshape(-1, SIZE, SIZE)
    return {"images": images, "labels": labels, "names": np.array([chr(code) for code in codes])}


def _draw() -> Iterator[tuple[int, int, bytes]]:
    """Code point, face and image of every letter in every face that has it; what is too large is left out."""
    from matplotlib import get_data_path
    from matplotlib.ft2font import FT2Font

    files = sorted(path for name in FONTS for path in Path(get_data_path(), "fonts", "ttf").glob(f"{name}*.ttf"))
    for face, path in enumerate(path for path in files if "Display" not in path.stem):  # those hold symbols
        font = FT2Font(str(path))
        font.set_size(EM, 72)  # dots an inch, so that a point is a pixel
        for code in sorted(font.get_charmap()):
            if unicodedata.name(chr(code), "").split(" ")[0] in ALPHABETS and chr(code).isalpha():
                font.set_text(chr(code))
                font.draw_glyphs_to_bitmap()
                image = _centred(np.asarray(font.get_image()))
                if image is not None:
                    yield code, face, image.tobytes()


def _centred(drawn: np.ndarray) -> np.ndarray | None:
    """The ink, in the middle of an image; None where there is none, or too much."""
    rows, columns = (np.flatnonzero(drawn.any(axis)) for axis in (1, 0))
    if not len(rows):
        return None
    ink = drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = ink.shape
    if max(height, width) > SIZE:
        return None
    image = np.zeros((SIZE, SIZE), np.uint8)
    top, left = (SIZE - height) // 2, (SIZE - width) // 2
    image[top : top + height, left : left + width] = ink
    return image


def _looks(letters: Letters) -> dict[int, int]:
    """For each letter the first one that looks like it: that is equal in at least half of the faces that have both,
    or like a third that is."""
    same: Counter[tuple[int, int]] = Counter()
    by_image = defaultdict(list)
    for code, drawn in letters.items():
        for face, image in drawn.items():
            by_image[face, image].append(code)
    for codes in by_image.values():
        same.update(combinations(sorted(codes), 2))
    look = {code: code for code in letters}
    for (one, other), count in same.items():
        if count >= len(letters[one].keys() & letters[other].keys()) / 2:
            first, second = sorted((look[one], look[other]))
            look = {code: first if seen == second else seen for code, seen in look.items()}
    return look
