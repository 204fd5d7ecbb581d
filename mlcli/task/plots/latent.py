"""The latent space as a plot of two dimensions. N examples."""

from collections.abc import Mapping, Sequence

import numpy as np

from mlcli.evenly import evenly_spaced
from mlcli.figure import latent
from mlcli.figure.plot import Plot
from mlcli.metric.projection import principal_plane, t_sne
from mlcli.metric.undefined import ONE_EXAMPLE, left_out

POINTS = 2000  # most examples of a plot


def latent_space(
    codes: Mapping[str, np.ndarray],
    labels: np.ndarray | None,
    classes: Sequence[str],
    axes: Sequence[str] = (),
    name: str = "latent_space",
) -> Plot:
    """A panel for each of the N × K codes, by name.

    labels: N class names, or numbers where there are no classes; None if an example has no single label. axes: the
    names of the first two dimensions of a code, if these are to be shown as they are.
    """
    count = len(next(iter(codes.values())))
    chosen = evenly_spaced(count, POINTS)
    panels = {}
    for title, code in codes.items():
        points, names = _plane(code[:, :2] if axes else code, chosen)
        panels[title] = (points, tuple(axes) or names)
    return latent.latent_space(name, panels, None if labels is None else labels[chosen], classes, count)


def t_sne_plots(codes: np.ndarray, labels: np.ndarray | None, classes: Sequence[str], seed: int) -> list[Plot]:
    """t_sne: N × K codes in the plane, with neighbours kept together. None for a single example."""
    if len(codes) < 2:
        left_out("figure t_sne", ONE_EXAMPLE)
        return []
    chosen = evenly_spaced(len(codes), POINTS)
    points = t_sne(codes[chosen], seed)
    return [latent_space({"t-SNE": points}, None if labels is None else labels[chosen], classes, ("", ""), "t_sne")]


def _plane(code: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, tuple[str, str]]:
    """The chosen examples in two dimensions, with the names of both: the code itself if it has two, otherwise its
    first two principal components; a single dimension over nothing."""
    if code.shape[1] == 1:
        return np.hstack([code[chosen], np.zeros((len(chosen), 1))]), ("code", "")
    if code.shape[1] == 2:
        return code[chosen], ("code 1", "code 2")
    mean, axes, share = principal_plane(code)
    first, second = (f"component {i + 1} of {code.shape[1]} ({share[i]:.0%} of variance)" for i in (0, 1))
    return ((code[chosen] - mean) @ axes).round(5), (first, second)
