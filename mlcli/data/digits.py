"""Handwritten digits, 1,797 images of 8 × 8 pixels in 17 shades (Alpaydin and Kaynak 1998)."""

import torch

from mlcli.data import scikit
from mlcli.data.dataset import Examples


def digits() -> Examples:
    """Images N × 1 × 8 × 8 with values 0 to 16; targets are the digits."""
    rows = torch.from_numpy(scikit.table("digits.csv.gz"))
    return Examples(
        name="digits",
        kind="image",
        inputs=rows[:, :-1].float().reshape(-1, 1, 8, 8),
        targets=rows[:, -1].long(),
        classes=tuple("0123456789"),
        target="digit",
        source="scikit-learn: UCI Optical Recognition of Handwritten Digits",
    )
