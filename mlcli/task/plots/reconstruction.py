"""Plots of reconstructions. N examples."""

from collections.abc import Mapping, Sequence

import numpy as np

from mlcli.evenly import evenly_spaced
from mlcli.figure import reconstruction as figure
from mlcli.figure.plot import Plot
from mlcli.metric.reconstruction import Rebuilt, errors

SHOWN = 10  # examples
BINS = 40


def plots(found: Rebuilt) -> list[Plot]:
    """reconstructions of examples from all over the split, worst_reconstructions, and reconstruction_error; none if a
    reconstruction is not finite."""
    if not np.isfinite(found.rebuilt).all():
        return []
    rows = _standardised(found.rows)
    each = _errors(rows)
    worst = np.argsort(-each["rebuilt"], kind="stable")[:SHOWN]
    top = max(float(values.max()) for values in each.values()) or 1.0
    edges = np.linspace(0, top * 1.0001, BINS + 1)
    counts = {name: np.histogram(values, edges)[0] for name, values in each.items()}
    return [
        figure.reconstructions("reconstructions", rows, each, evenly_spaced(len(found.clean), SHOWN)),
        figure.reconstructions("worst_reconstructions", rows, each, worst, worst=True),
        figure.error_distribution(rows, each, edges, counts),
    ]


def strip(name: str, rows: Mapping[str, np.ndarray], chosen: Sequence[int] | np.ndarray) -> Plot:
    """The chosen examples side by side. rows: N × shape by name, "clean" and "rebuilt" among them; vectors in
    standard deviations."""
    return figure.reconstructions(name, rows, _errors(rows), chosen)


def _errors(rows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: errors(values, rows["clean"]) for name, values in rows.items() if name != "clean"}


def _standardised(rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Vectors, whose features may have different units, in standard deviations from the mean; others as they are."""
    clean = rows["clean"]
    if clean.ndim != 2:
        return rows
    mean, std = clean.mean(0), np.where(np.ptp(clean, 0) > 0, clean.std(0), 1)
    return {name: (values - mean) / std for name, values in rows.items()}
