"""Plots of principal components. N examples, K components."""

from collections.abc import Sequence

import numpy as np

from mlcli.figure import reduction as figure
from mlcli.figure.plot import Plot
from mlcli.metric.reduction import components_needed
from mlcli.task.plots.latent import latent_space


def explained_variance(ratios: np.ndarray, kept: int) -> Plot:
    """explained_variance, from the explained variance ratio of each component; `kept` of them are in use."""
    return figure.explained_variance(ratios, kept, components_needed(ratios[ratios > 0]))


def plane(
    codes: np.ndarray,
    ratios: np.ndarray,
    labels: np.ndarray | None,
    classes: Sequence[str],
    name: str = "latent_space",
) -> Plot:
    """latent_space: N × K codes by the first two components."""
    names = [figure.name_of(place, ratios) for place in (0, 1)] if codes.shape[1] > 1 else []
    return latent_space({"": codes}, labels, classes, names, name)
