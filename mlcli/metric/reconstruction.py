"""How well inputs were rebuilt: metrics and figures. N examples."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from typing import Any

import numpy as np

from mlcli.figure import reconstruction as figures_reconstruction
from mlcli.figure.plot import Plot, plain
from mlcli.metric.undefined import left_out

SHOWN = 10  # examples of a picture
LARGEST = 64  # pixels of a side; larger pictures are thinned
BINS = 40


@dataclass(frozen=True)
class Rebuilt:
    """What became of N examples, each N × shape in the units of the data: the clean ones, and what a model made of
    them. given: what it made that of, where it was not the clean ones, and how they were changed, in a word.
    code: N × numbers of the code, of a model that has one."""

    clean: np.ndarray
    rebuilt: np.ndarray
    given: np.ndarray | None = None
    change: str = ""
    code: np.ndarray | None = None

    @property
    def rows(self) -> dict[str, np.ndarray]:
        """What there is of each example, by name."""
        given = {} if self.given is None else {self.change: self.given}
        return {"clean": self.clean, **given, "rebuilt": self.rebuilt}


def errors(values: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """The mean squared difference of each of N examples of any shape, N."""
    difference = (values.astype(np.float64) - clean).reshape(len(values), -1)
    means: np.ndarray = np.square(difference).mean(1)
    return means


def scores(found: Rebuilt) -> dict[str, float]:
    """mse, in squared units of the data; corrupted_mse, what doing nothing gives, where inputs were corrupted; of
    images psnr in dB, which is 10 log10(range² / mse) with the range of the clean ones."""
    mse = float(errors(found.rebuilt, found.clean).mean())
    metrics = {"mse": mse}
    if found.given is not None:
        metrics["corrupted_mse"] = float(errors(found.given, found.clean).mean())
    reach = float(found.clean.max() - found.clean.min())
    if found.clean.ndim == 4 and mse > 0 and reach > 0:
        metrics["psnr"] = 10 * log10(reach**2 / mse)
    elif found.clean.ndim == 4:
        left_out("psnr", "all pixels are equal" if mse > 0 else "the reconstructions are exact")
    return metrics


def plots(found: Rebuilt) -> list[Plot]:
    """reconstructions of examples from all over the split, worst_reconstructions, and reconstruction_error."""
    if not np.isfinite(found.rebuilt).all():
        return []
    rows = _alike(found.rows)
    each = errors(rows["rebuilt"], rows["clean"])
    spread = np.unique(np.linspace(0, len(each) - 1, min(len(each), SHOWN)).round().astype(int))
    worst = np.argsort(-each, kind="stable")[:SHOWN]
    return [
        strip("reconstructions", rows, spread),
        strip("worst_reconstructions", rows, worst, worst=True),
        _distribution(rows),
    ]


def _alike(rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The features of vectors, which need not have one unit, in standard deviations from their mean; all else as it
    is."""
    clean = rows["clean"]
    if clean.ndim != 2:
        return rows
    mean, std = clean.mean(0), np.where(np.ptp(clean, 0) > 0, clean.std(0), 1)
    return {name: (values - mean) / std for name, values in rows.items()}


def strip(name: str, rows: dict[str, np.ndarray], chosen: Sequence[int] | np.ndarray, worst: bool = False) -> Plot:
    """The chosen examples side by side: a row of pictures for each of `rows` (name → N × shape, with "clean" and
    "rebuilt" among them), or a panel of curves for each example that is no image; vectors in standard deviations."""
    each = {name: errors(values, rows["clean"]) for name, values in rows.items() if name != "clean"}
    data: dict[str, Any] = {
        "mse": {name: float(values.mean()) for name, values in each.items()},
        "errors": {name: plain(values[chosen]) for name, values in each.items()},
        "index": [int(place) for place in chosen],
        "total": len(rows["clean"]),
        "worst": worst,
        "unit": _unit(rows),
    }
    if rows["clean"].ndim == 4:
        pictures = _pictures(rows, np.asarray(chosen))
        return Plot(name, figures_reconstruction.pictures, data | {"rows": pictures})
    return Plot(name, figures_reconstruction.curves, data | _curves(rows, np.asarray(chosen)))


def _pictures(rows: dict[str, np.ndarray], chosen: np.ndarray) -> dict[str, Any]:
    """N × height × width (× 3) bytes, with the range of the clean ones from black to white."""
    clean = rows["clean"]
    low, high = float(clean.min()), float(clean.max())
    stride = max(-(-max(clean.shape[2:]) // LARGEST), 1)
    found = {}
    for name, values in rows.items():
        images = values[chosen][:, :, ::stride, ::stride].astype(np.float64)
        images = np.moveaxis(images, 1, 3) if images.shape[1] == 3 else images.mean(1)
        found[name] = ((images - low) / ((high - low) or 1) * 255).round().clip(0, 255).astype(np.uint8).tolist()
    return found


def _curves(rows: dict[str, np.ndarray], chosen: np.ndarray) -> dict[str, Any]:
    """A curve for each example: the first number of each step of a sequence, the features of a vector."""
    shape = rows["clean"].shape[1:]
    if len(shape) == 1:
        axes = ["feature", "deviations from mean"]
        return {"rows": {name: plain(values[chosen]) for name, values in rows.items()}, "axes": axes}
    axes = ["step", f"number 1 of {shape[1]}" if shape[1] > 1 else "value"]
    return {"rows": {name: plain(values[chosen][..., 0]) for name, values in rows.items()}, "axes": axes}


def _distribution(rows: dict[str, np.ndarray]) -> Plot:
    each = {name: errors(values, rows["clean"]) for name, values in rows.items() if name != "clean"}
    top = max(float(values.max()) for values in each.values()) or 1.0
    edges = np.linspace(0, top * 1.0001, BINS + 1)
    data = {
        "edges": plain(edges),
        "counts": {name: np.histogram(values, edges)[0].tolist() for name, values in each.items()},
        "means": {name: float(values.mean()) for name, values in each.items()},
        "total": len(rows["clean"]),
        "unit": _unit(rows),
    }
    return Plot("reconstruction_error", figures_reconstruction.error_distribution, data)


def _unit(rows: dict[str, np.ndarray]) -> str:
    return "standard deviations" if rows["clean"].ndim == 2 else "units of the data"
