"""Handwritten digits, 1,797 images of 8 × 8 pixels in 17 shades (Alpaydin and Kaynak 1998)."""

import torch

from mlcli.loading import sklearn_tables
from mlcli.loading.dataset import Examples


def digits(*, flat: bool = False) -> Examples:
    """Images N × 1 × 8 × 8 with values from 0 to 16.

    flat: vectors of 64 features, which are normalised separately, unlike the pixels of an image.
    """
    rows = torch.from_numpy(sklearn_tables.read_table("digits.csv.gz"))
    return Examples(
        name="digits",
        kind="vector" if flat else "image",
        inputs=rows[:, :-1].float() if flat else rows[:, :-1].float().reshape(-1, 1, 8, 8),
        targets=rows[:, -1].long(),
        classes=tuple("0123456789"),
        features=tuple(f"pixel {row},{column}" for row in range(8) for column in range(8)) if flat else (),
        target="digit",
        source="scikit-learn: UCI Optical Recognition of Handwritten Digits",
    )
