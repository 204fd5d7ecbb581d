"""MNIST-1D: sequences shaped like ten digits, shifted, scaled and with noise (Greydanus and Kobak 2020, arXiv
2011.14439). Its README reports accuracies of 32 % for logistic regression, 68 % for an MLP, 94 % for a CNN and 91 %
for a GRU."""

from importlib.metadata import version
from importlib.util import find_spec

import numpy as np
import torch

from mlcli.loading.cache import Arrays, cached
from mlcli.loading.dataset import Examples
from mlcli.packages import needs

TRAIN = 4000


def mnist1d() -> Examples:
    """Sequences N × 40 × 1 from the generator of the package mnist1d, 4,000 for training and 1,000 for testing.

    Raises ValueError, with what to install, if the package is missing.
    """
    if find_spec("mnist1d") is None:
        raise ValueError(needs("data=mnist1d", "mnist1d"))
    arrays = cached(f"mnist1d-{version('mnist1d')}", _generate)
    inputs = torch.from_numpy(arrays["inputs"]).float().unsqueeze(2)
    return Examples(
        name="mnist1d",
        kind="sequence",
        inputs=inputs,
        targets=torch.from_numpy(arrays["targets"]).long(),
        classes=tuple("0123456789"),
        target="digit",
        source="mnist1d.data.make_dataset, seed 42",
        test=torch.arange(TRAIN, len(inputs)),
    )


def _generate() -> Arrays:
    from mnist1d.data import make_dataset

    before = np.random.get_state()  # the generator seeds it
    made = make_dataset()
    np.random.set_state(before)
    inputs, targets = (np.concatenate([made[name], made[f"{name}_test"]]) for name in "xy")
    return {"inputs": inputs.astype("float32"), "targets": targets.astype("uint8")}
