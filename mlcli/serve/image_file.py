"""Reads an image file as an input of a run that was trained on images."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mlcli.config.errors import ConfigError
from mlcli.loading.dataset import DataSet
from mlcli.store.records import read_json

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

MODES = {1: "L", 3: "RGB"}  # of Pillow, by the number of channels
FORMATS = ("PNG", "JPEG")
OPAQUE = ("1", "L", "P", "RGB")  # modes of at most 8 bits without transparency


def read_image(path: Path, data: DataSet, model: Path) -> np.ndarray:
    """An image as an array 1 × C × H × W, with the channels and the range of values of the run's images.

    Raises ConfigError for an image that cannot be converted unambiguously: of another size, transparent or animated,
    or for a run whose images hold values of neither 0 to 1 nor 0 to 255.
    """
    shape = " × ".join(map(str, data.shape))
    if data.kind != "image" or data.shape[0] not in MODES:
        raise ConfigError(f"is an image, and this run was trained on {data.kind} {shape}")
    channels, height, width = data.shape
    with _open(path) as picture:
        if picture.size != (width, height):
            found = " × ".join(map(str, picture.size))
            raise ConfigError(f"has {found} pixels where the run's images have {width} × {height}: resize it first")
        if getattr(picture, "n_frames", 1) != 1:
            raise ConfigError("is animated: save one frame of it")
        if picture.mode not in OPAQUE or "transparency" in picture.info:
            raise ConfigError(f"its mode is {picture.mode}: save it as 8-bit grey or RGB, without transparency")
        pixels = np.asarray(picture.convert(MODES[channels]), dtype=np.float32)
    return pixels.reshape(1, height, width, channels).transpose(0, 3, 1, 2) / _scale(model)


def _open(path: Path) -> "ImageFile":
    """Opens an image, of which only the header is read."""
    from PIL import Image

    with warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning):
        try:
            return Image.open(
                path, formats=FORMATS
            )  # detected by the content; reading some other formats starts external programs
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise ConfigError("declares too many pixels: resize it first") from error


def _scale(model: Path) -> float:
    """The divisor from values of 0 to 255 to those of the run's images, according to the examples of the model."""
    examples = np.array(read_json(model / "example.json")["inputs"]["data"], dtype=np.float32)
    low, high = float(examples.min()), float(examples.max())
    if low >= 0 and high <= 1:
        return 255.0
    if low >= 0 and 128 <= high <= 255:
        return 1.0
    raise ConfigError(f"the run's images hold {low:g} to {high:g}, not 0 to 1 or 255: use a .npy with such numbers")
