"""What principal components tell, and how it looks. N examples of D features, K components."""

from collections.abc import Sequence

import numpy as np

from mlcli.figure import pictures as figures_pictures
from mlcli.figure import reduction as figures_reduction
from mlcli.figure.plot import Plot, plain
from mlcli.metric.latent import latent_space

SHARES = (0.90, 0.95, 0.99)
SHOWN = 16  # components that are drawn as images, in rows of 8
STRONGEST, LISTED = 12, 4  # features of a component, and components whose features are told


def needed(ratios: np.ndarray) -> dict[str, float]:
    """components_90, …: how many components keep that share of the variance, as far as they are known. ratios: the
    share of each, the largest first."""
    reached = ratios.cumsum()
    return {f"components_{share:.0%}"[:-1]: _needed(reached, share) for share in SHARES if reached[-1] >= share}


def _needed(reached: np.ndarray, share: float) -> int:
    return int(np.searchsorted(reached, share) + 1)


def variance(ratios: np.ndarray, kept: int) -> Plot:
    """explained_variance: the share of each component, and of the first ones together."""
    known = ratios[ratios > 0]
    reached = known.cumsum()
    marks = {f"{share:.0%}": _needed(reached, share) for share in SHARES if len(known) and reached[-1] >= share}
    data = {"ratios": plain(known.round(6)), "kept": kept, "marks": marks}
    return Plot("explained_variance", figures_reduction.variance, data)


def components(axes: np.ndarray, ratios: np.ndarray, features: Sequence[str]) -> Plot:
    """components: K × shape of an example as images, or else the features that count for most in each."""
    if axes.ndim == 4:
        return _images(axes[:SHOWN].mean(1), ratios)
    flat = axes[:LISTED].reshape(min(len(axes), LISTED), -1)
    names = list(features) or [f"feature {place}" for place in range(flat.shape[1])]
    panels = []
    for place, axis in enumerate(flat):
        strongest = np.argsort(-np.abs(axis), kind="stable")[:STRONGEST]
        weights = [names[i] for i in strongest], plain(axis[strongest].round(5))
        panels.append({"name": _name(place, ratios), "features": weights[0], "weights": weights[1]})
    return Plot("components", figures_reduction.weights, {"panels": panels, "total": flat.shape[1]})


def _images(images: np.ndarray, ratios: np.ndarray) -> Plot:
    across = min(8, len(images))
    rows = [list(range(start, min(start + across, len(images)))) for start in range(0, len(images), across)]
    cells = [[plain(images[i].round(5)) for i in row] + [None] * (across - len(row)) for row in rows]
    data = {
        "title": f"The first {len(images)} components as images",
        "note": "orange: brighter than the mean where the component is large, blue: darker",
        "rows": [f"{row[0] + 1} to {row[-1] + 1}" for row in rows],
        "columns": [""] * across,
        "cells": cells,
        "signed": [[True] * across for _ in rows],
    }
    return Plot("components", figures_pictures.pictures, data)


def _name(place: int, ratios: np.ndarray) -> str:
    return f"component {place + 1} ({ratios[place]:.1%} of variance)"


def plane(codes: np.ndarray, ratios: np.ndarray, labels: np.ndarray | None, classes: Sequence[str]) -> Plot:
    """latent_space: N × K codes by the first two components."""
    names = [_name(place, ratios) for place in (0, 1)] if codes.shape[1] > 1 else []
    return latent_space({"": codes}, labels, classes, names)
