"""The space of codes as a picture of two dimensions. N examples."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlcli.figure import latent as figures_latent
from mlcli.figure.plot import Plot, plain
from mlcli.metric.plane import principal_plane
from mlcli.metric.undefined import ONE_EXAMPLE, left_out

POINTS = 2000  # most examples that are drawn


def latent_space(
    codes: dict[str, np.ndarray], labels: np.ndarray | None, classes: Sequence[str], axes: Sequence[str] = ()
) -> Plot:
    """latent_space: a panel for each of the N × k codes, by name, with a point an example. labels: N class names, or
    numbers where there are no classes; None where an example has no label of its own. axes: what the first two
    numbers of a code are, if those shall be drawn."""
    count = len(next(iter(codes.values())))
    shown = np.unique(np.linspace(0, count - 1, min(count, POINTS)).round().astype(int))
    drawn = {name: _plane(code[:, :2] if axes else code, shown) for name, code in codes.items()}
    panels = [{"name": name, **each, **({"axes": list(axes)} if axes else {})} for name, each in drawn.items()]
    data: dict[str, Any] = {"panels": panels, "classes": list(classes), "total": count}
    data["labels"] = [] if labels is None else plain(labels[shown])
    return Plot("latent_space", figures_latent.latent_space, data)


def neighbours(codes: np.ndarray, labels: np.ndarray | None, classes: Sequence[str], seed: int) -> list[Plot]:
    """t_sne: N × K codes laid out in the plane so that neighbours stay neighbours, by scikit-learn. None for a single
    example, which has no neighbour."""
    from sklearn.manifold import TSNE

    if len(codes) < 2:
        left_out("figure t_sne", ONE_EXAMPLE)
        return []
    shown = np.unique(np.linspace(0, len(codes) - 1, min(len(codes), POINTS)).round().astype(int))
    perplexity = min(30.0, (len(shown) - 1) / 3)
    init = "pca" if codes.shape[1] > 1 else "random"  # a plane has no place in codes of one number
    placed = TSNE(perplexity=perplexity, init=init, random_state=seed).fit_transform(codes[shown])
    chosen = None if labels is None else labels[shown]
    plot = latent_space({"t-SNE": placed}, chosen, classes, ("", ""))
    return [Plot("t_sne", plot.render, plot.data)]


def _plane(code: np.ndarray, shown: np.ndarray) -> dict[str, Any]:
    """N × k codes as points: the numbers themselves where there are two, else the first two principal components; a
    single number over nothing."""
    if code.shape[1] == 1:
        return {"points": plain(np.hstack([code[shown], np.zeros((len(shown), 1))])), "axes": ["code", ""]}
    if code.shape[1] == 2:
        return {"points": plain(code[shown]), "axes": ["code 1", "code 2"]}
    mean, axes, share = principal_plane(code)
    names = [f"component {i + 1} of {code.shape[1]} ({share[i]:.0%} of variance)" for i in (0, 1)]
    return {"points": plain(((code[shown] - mean) @ axes).round(5)), "axes": names}
