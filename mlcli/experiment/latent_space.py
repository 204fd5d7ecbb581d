"""How much class information does the latent space of an autoencoder hold?

Method: k-NN classification in the latent space of an autoencoder (Hinton & Salakhutdinov, Science 313, 2006) and of a
variational one (Kingma & Welling, ICLR 2014), against PCA of the same dimension and against pixel space.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from mlcli.experiment.analysis.examples import class_labels
from mlcli.experiment.analysis.principal_components import fit_pca
from mlcli.experiment.analysis.runs import finished
from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.metric.reconstruction import errors
from mlcli.run.build import Parts
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun
from mlcli.task.plots.latent import latent_space as plane
from mlcli.task.reconstruction import Reconstruction
from mlcli.train.model_protocols import Encodes

NEIGHBOURS = 5
PCA, PIXELS = "PCA", "pixels"
COLUMNS = ("space", "dimension", "k-NN accuracy", "mean squared error", "runs")
Spaces = dict[tuple[str, int], list["Space"]]  # by kind and dimension, of each run


@dataclass(frozen=True)
class Space:
    """The training and test examples in one space, N × dimension each. mse: of the reconstructed test examples."""

    train: np.ndarray
    test: np.ndarray
    mse: float


@dataclass(frozen=True)
class Score:
    """Of a kind of space with this dimension: the k-NN accuracy of each run, and the mean squared error."""

    name: str
    dimension: int
    accuracies: list[float]
    mse: float

    @property
    def accuracy(self) -> float:
        return fmean(self.accuracies)


def latent_space(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """k-NN accuracy on the test split and reconstruction error, by kind and dimension of the space."""
    complete = finished(runs)
    if not complete:
        return None
    data = complete[0].parts().data
    train, test = (data.examples.inputs[data.splits[name]].flatten(1).numpy() for name in ("train", "test"))
    pixels = Space(train, test, 0.0)
    spaces: Spaces = {}
    for run in complete:
        space = latent_of(run.parts())
        spaces.setdefault((str(run.cfg.variant), space.test.shape[1]), []).append(space)
    for dimension in sorted({dimension for _, dimension in spaces}):
        spaces[PCA, dimension] = [components(pixels, dimension)]
    spaces[PIXELS, pixels.test.shape[1]] = [pixels]
    labels = class_labels(data, "train"), class_labels(data, "test")
    scores = [
        Score(*key, [accuracy(space, *labels) for space in each], fmean(space.mse for space in each))
        for key, each in spaces.items()
    ]
    rows = [(each.name, each.dimension, each.accuracy, each.mse, len(each.accuracies)) for each in scores]
    plots = [_curves(scores), _picture(spaces, labels[1], data.classes)]
    return Conclusion(_sentence(scores), COLUMNS, rows, plots)


def latent_of(parts: Parts) -> Space:
    """The latent space of a trained autoencoder. Raises ValueError for other models, and for data without classes."""
    if not isinstance(parts.task, Reconstruction) or not isinstance(parts.model, Encodes) or not parts.data.classes:
        raise ValueError("this experiment needs task=reconstruction, model=autoencoder or vae, and data with classes")
    train, test = (parts.task.reconstruct(name) for name in ("train", "test"))
    assert train.code is not None and test.code is not None
    return Space(train.code, test.code, float(errors(test.rebuilt, test.clean).mean()))


def components(pixels: Space, dimension: int) -> Space:
    """The leading principal components of the training examples."""
    pca = fit_pca(pixels.train, dimension)
    train, test = pca.transform(pixels.train), pca.transform(pixels.test)
    return Space(train, test, float(errors(pca.inverse_transform(test), pixels.test).mean()))


def accuracy(space: Space, train_labels: np.ndarray, test_labels: np.ndarray) -> float:
    """The accuracy on the test examples of a k-NN classifier fitted to the training examples."""
    from sklearn.neighbors import KNeighborsClassifier

    return float(KNeighborsClassifier(NEIGHBOURS).fit(space.train, train_labels).score(space.test, test_labels))


def _sentence(scores: Sequence[Score]) -> str:
    *latent, pixels = scores
    by_dimension = []
    for dimension in sorted({each.dimension for each in latent}):
        own = [f"{each.name} {each.accuracy:.1%}" for each in latent if each.dimension == dimension]
        by_dimension.append(f"latent dimension {dimension}: {', '.join(own)}")
    best = max(latent, key=lambda each: each.accuracy)
    return (
        f"k-NN accuracy (k = {NEIGHBOURS}) in latent space: {'; '.join(by_dimension)}. In pixel space "
        f"({pixels.dimension} dimensions) it is {pixels.accuracy:.1%}; the best latent space is {best.name} of "
        f"dimension {best.dimension} with {best.accuracy:.1%}. All spaces are learned without labels."
    )


def _curves(scores: Sequence[Score]) -> Plot:
    *latent, pixels = scores
    curves = {}
    for name in dict.fromkeys(each.name for each in latent):
        own = sorted((each for each in latent if each.name == name), key=lambda each: each.dimension)
        repeats = zip(*(each.accuracies for each in own), strict=False)
        curves[name] = Curve.mean([each.dimension for each in own], list(repeats))
    smallest = min(each.dimension for each in latent)
    each = ", ".join(f"{score.name} {score.accuracy:.1%}" for score in latent if score.dimension == smallest)
    note = f"test split, k = {NEIGHBOURS}; dashed: k-NN accuracy in pixel space"
    panel = Panel("latent dimension", "k-NN accuracy", curves, "x", level=pixels.accuracy)
    return panels("neighbours", f"Latent dimension {smallest}: {each}", note, [panel])


def _picture(spaces: Spaces, labels: np.ndarray, classes: Sequence[str]) -> Plot:
    """The test examples in the space of smallest dimension of each kind."""
    smallest = min(dimension for _, dimension in spaces)
    shown = {name: each[0].test for (name, dimension), each in spaces.items() if dimension == smallest}
    return plane(shown, labels, classes)
