"""Plots of few-shot learning. N examples."""

import numpy as np

from mlcli.figure.plot import Plot
from mlcli.task.plots.latent import latent_space

CLASSES = 10  # at most, in the plane


def plane(raw: np.ndarray | None, embeddings: np.ndarray, labels: np.ndarray) -> Plot:
    """latent_space: some of the classes, evenly spaced, as raw inputs and as embeddings. labels: N names."""
    classes = list(dict.fromkeys(labels.tolist()))
    chosen = [classes[i] for i in np.unique(np.linspace(0, len(classes) - 1, CLASSES).round().astype(int))]
    own = np.isin(labels, chosen)
    codes = {} if raw is None else {"raw inputs": raw[own]}
    return latent_space({**codes, "embedding": embeddings[own]}, labels[own], chosen)
