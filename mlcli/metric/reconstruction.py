"""How well inputs are reconstructed. N examples."""

from dataclasses import dataclass
from math import log10

import numpy as np

from mlcli.metric.undefined import left_out


@dataclass(frozen=True)
class Rebuilt:
    """N examples, each array N × shape in the units of the data: the clean ones, and a model's reconstructions.

    given: the inputs of the model, if they are not the clean ones, and `change`, a word for how they differ; code:
    N × K, of a model with a latent space.
    """

    clean: np.ndarray
    rebuilt: np.ndarray
    given: np.ndarray | None = None
    change: str = ""
    code: np.ndarray | None = None

    @property
    def rows(self) -> dict[str, np.ndarray]:
        """The arrays by name."""
        given = {} if self.given is None else {self.change: self.given}
        return {"clean": self.clean, **given, "rebuilt": self.rebuilt}


def errors(values: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """The mean squared difference of each of N examples of any shape, N."""
    difference = (values.astype(np.float64) - clean).reshape(len(values), -1)
    means: np.ndarray = np.square(difference).mean(1)
    return means


def scores(found: Rebuilt) -> dict[str, float]:
    """mse in squared units of the data; for corrupted inputs identity_mse, that of the identity baseline; for images
    psnr in dB, 10 log10(range² / mse) with the range of the clean images."""
    mse = float(errors(found.rebuilt, found.clean).mean())
    metrics = {"mse": mse}
    if found.given is not None:
        metrics["identity_mse"] = float(errors(found.given, found.clean).mean())
    reach = float(found.clean.max() - found.clean.min())
    if found.clean.ndim == 4 and mse > 0 and reach > 0:
        metrics["psnr"] = 10 * log10(reach**2 / mse)
    elif found.clean.ndim == 4:
        left_out("psnr", "all pixels are equal" if mse > 0 else "the reconstructions are exact")
    return metrics
