"""What a denoising autoencoder takes away of noise, beside doing nothing and beside PCA of equal width."""

from collections.abc import Sequence
from statistics import fmean

import numpy as np

from mlcli.experiment.analysis.convergence import grouped
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.metric.reconstruction import SHOWN, Rebuilt, errors, strip
from mlcli.run.build import Parts
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun
from mlcli.task.reconstruction import Reconstruction

NOTHING, PCA, NETWORK = "noisy", "PCA", "rebuilt"
WAYS = {NOTHING: "doing nothing", PCA: "PCA", NETWORK: "autoencoder"}
COLUMNS = ("noise", *WAYS.values(), "autoencoder / PCA", "numbers in the code")

Images = dict[str, np.ndarray]  # N × shape: "clean", and what each way makes of them
Errors = dict[str, list[float]]  # by way, the mean squared error of each repeat


def denoising_autoencoder(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """Mean squared errors of what is made of the noisy test images, by the strength of the noise."""
    groups = grouped(runs, lambda run: float(run.cfg.task.noise))
    if not groups:
        return None
    found: dict[float, Errors] = {}
    strips = []
    for noise in sorted(groups):
        repeats = [made_of(run.parts()) for run in groups[noise]]
        found[noise] = {way: [_error(images, way) for images in repeats] for way in WAYS}
        strips.append(_strip(repeats[0], noise))
    means = {noise: {way: fmean(each[way]) for way in WAYS} for noise, each in found.items()}
    width = int(runs[0].cfg.model.code)
    rows = [(noise, *mean.values(), mean[NETWORK] / mean[PCA], width) for noise, mean in means.items()]
    return Conclusion(_sentence(means, width), COLUMNS, rows, [_plot(found), *strips])


def made_of(parts: Parts) -> Images:
    """The test images: clean, as they are given, and rebuilt by both. Raises ValueError for what denoises nothing."""
    task = parts.task
    made: Rebuilt | None = task.rebuild("test") if isinstance(task, Reconstruction) else None
    if made is None or made.given is None or made.code is None:
        raise ValueError("This experiment needs task=reconstruction task.noise=0.5, or more, and model=autoencoder.")
    train = parts.data.examples.inputs[parts.data.splits["train"]].numpy()
    by_pca = through_pca(train, made.given, made.code.shape[1])
    return {"clean": made.clean, NOTHING: made.given, PCA: by_pca, NETWORK: made.rebuilt}


def through_pca(train: np.ndarray, given: np.ndarray, components: int) -> np.ndarray:
    """What the leading principal components of clean examples keep of others, both N × shape."""
    from sklearn.decomposition import PCA as Components

    pca = Components(components, svd_solver="covariance_eigh").fit(train.reshape(len(train), -1))
    kept: np.ndarray = pca.inverse_transform(pca.transform(given.reshape(len(given), -1)))
    return kept.reshape(given.shape)


def _error(images: Images, way: str) -> float:
    return float(errors(images[way], images["clean"]).mean())


def _sentence(means: dict[float, dict[str, float]], width: int) -> str:
    told = "; ".join(
        f"noise {noise:g}: {mean[NOTHING]:.4f} with nothing done, {mean[PCA]:.4f} by PCA, "
        f"{mean[NETWORK]:.4f} by the autoencoder"
        for noise, mean in means.items()
    )
    ahead = [noise for noise, mean in means.items() if mean[NETWORK] < min(mean[PCA], mean[NOTHING])]
    least, most = (pick(1 - mean[NETWORK] / mean[PCA] for mean in means.values()) for pick in (min, max))
    verdict = f"The autoencoder is the nearest to the clean images at {len(ahead)} of {len(means)} strengths"
    against = f"its error is {least:.0%} to {most:.0%} below that of PCA" if least > 0 else "not always below PCA"
    return f"Mean squared errors of test images, with {width} numbers in between: {told}. {verdict}, {against}."


def _plot(found: dict[float, Errors]) -> Plot:
    repeats = range(min(len(each[NOTHING]) for each in found.values()))
    curves = {
        name: Curve.mean(list(found), [[each[way][i] for each in found.values()] for i in repeats])
        for way, name in WAYS.items()
    }
    strongest, last = list(found.items())[-1]
    told = ", ".join(f"{name} {fmean(last[way]):.4f}" for way, name in WAYS.items())
    note = "mean squared errors of test images; noise in standard deviations of the pixels"
    panel = Panel("noise", "mean squared error", curves, "y")
    return panels("denoising", f"Noise {strongest:g}: {told}", note, [panel])


def _strip(images: Images, noise: float) -> Plot:
    """Examples from all over the split, a row for each way."""
    count = len(images["clean"])
    chosen = np.unique(np.linspace(0, count - 1, min(count, SHOWN)).round().astype(int))
    return strip(f"denoised_{noise:g}", images, chosen)
