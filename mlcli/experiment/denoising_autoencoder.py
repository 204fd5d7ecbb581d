"""How much noise does a denoising autoencoder remove from images?

Method: trained to reconstruct clean images from noisy ones (Vincent et al., ICML 2008), at several noise levels;
baselines are the identity, which returns the noisy image, and PCA with as many components as latent dimensions.
"""

from collections.abc import Sequence
from statistics import fmean

import numpy as np

from mlcli.evenly import evenly_spaced
from mlcli.experiment.analysis.principal_components import fit_pca
from mlcli.experiment.analysis.runs import group_by
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.metric.reconstruction import Rebuilt, errors
from mlcli.run.build import Parts
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun
from mlcli.task.plots.reconstruction import SHOWN, strip
from mlcli.task.reconstruction import Reconstruction

NOISY, PCA, NETWORK = "noisy", "PCA", "rebuilt"
METHODS = {NOISY: "identity baseline", PCA: "PCA", NETWORK: "autoencoder"}
COLUMNS = ("noise", *METHODS.values(), "autoencoder / PCA", "latent dimension")

Images = dict[str, np.ndarray]  # N × shape: "clean", and the output of each method
Errors = dict[str, list[float]]  # by method, the mean squared error of each repeat


def denoising_autoencoder(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Mean squared errors on the noisy test images, by noise level; means over repeats."""
    groups = group_by(runs, lambda run: float(run.cfg.task.noise))
    if not groups:
        return None
    found: dict[float, Errors] = {}
    strips = []
    for noise in sorted(groups):
        repeats = [denoised(run.parts()) for run in groups[noise]]
        found[noise] = {method: [_error(images, method) for images in repeats] for method in METHODS}
        chosen = evenly_spaced(len(repeats[0]["clean"]), SHOWN)
        strips.append(strip(f"denoised_{noise:g}", repeats[0], chosen))
    means = {noise: {method: fmean(each[method]) for method in METHODS} for noise, each in found.items()}
    dimension = int(runs[0].cfg.model.code)
    rows = [(noise, *mean.values(), mean[NETWORK] / mean[PCA], dimension) for noise, mean in means.items()]
    return Conclusion(_sentence(means, dimension), COLUMNS, rows, [_plot(found), *strips])


def denoised(parts: Parts) -> Images:
    """The test images: clean, noisy, and reconstructed by both. Raises ValueError for other tasks and models."""
    task = parts.task
    made: Rebuilt | None = task.reconstruct("test") if isinstance(task, Reconstruction) else None
    if made is None or made.given is None or made.code is None:
        raise ValueError("this experiment needs task=reconstruction task.noise=0.5 (or more) model=autoencoder")
    train = parts.data.examples.inputs[parts.data.splits["train"]].numpy()
    by_pca = through_pca(train, made.given, made.code.shape[1])
    return {"clean": made.clean, NOISY: made.given, PCA: by_pca, NETWORK: made.rebuilt}


def through_pca(train: np.ndarray, noisy: np.ndarray, components: int) -> np.ndarray:
    """Noisy examples projected onto the leading principal components of clean ones, both N × shape."""
    pca = fit_pca(train, components)
    projected: np.ndarray = pca.inverse_transform(pca.transform(noisy.reshape(len(noisy), -1)))
    return projected.reshape(noisy.shape)


def _error(images: Images, method: str) -> float:
    return float(errors(images[method], images["clean"]).mean())


def _sentence(means: dict[float, dict[str, float]], dimension: int) -> str:
    each = "; ".join(
        f"noise {noise:g}: {', '.join(f'{name} {mean[method]:.4f}' for method, name in METHODS.items())}"
        for noise, mean in means.items()
    )
    ahead = [noise for noise, mean in means.items() if mean[NETWORK] < min(mean[PCA], mean[NOISY])]
    least, most = (choose(1 - mean[NETWORK] / mean[PCA] for mean in means.values()) for choose in (min, max))
    against = f"{least:.0%} to {most:.0%} below PCA" if least > 0 else "not always below PCA"
    return (
        f"Mean squared error on test images, latent dimension {dimension}. {each[0].upper()}{each[1:]}. The "
        f"autoencoder has the lowest error at {len(ahead)} of {len(means)} noise levels, {against}."
    )


def _plot(found: dict[float, Errors]) -> Plot:
    repeats = range(min(len(each[NOISY]) for each in found.values()))
    curves = {
        name: Curve.mean(list(found), [[each[method][i] for each in found.values()] for i in repeats])
        for method, name in METHODS.items()
    }
    strongest, last = list(found.items())[-1]
    each = ", ".join(f"{name} {fmean(last[method]):.4f}" for method, name in METHODS.items())
    note = "mean squared error on test images; noise in standard deviations of the pixels"
    panel = Panel("noise", "mean squared error", curves, "y")
    return panels("denoising", f"Noise {strongest:g}: {each}", note, [panel])
