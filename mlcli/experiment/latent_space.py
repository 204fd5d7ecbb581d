"""What the codes of an autoencoder know of classes that it was never told, beside PCA's and the pixels themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from mlcli.figure.panels import Curve, Panel, panels
from mlcli.figure.plot import Plot
from mlcli.metric.latent import latent_space as plane
from mlcli.metric.reconstruction import errors
from mlcli.run.build import Parts
from mlcli.run.conclusion import Conclusion
from mlcli.run.finished_run import FinishedRun
from mlcli.task.reconstruction import Reconstruction
from mlcli.train.model_protocols import Encodes

NEIGHBOURS = 5
PCA, PIXELS = "PCA", "pixels"
COLUMNS = ("space", "numbers", "k-NN accuracy", "mean squared error", "runs")


@dataclass(frozen=True)
class Space:
    """Where the examples of train and test lie, N × numbers each. mse: of the test examples made from there again."""

    train: np.ndarray
    test: np.ndarray
    mse: float


@dataclass(frozen=True)
class Judged:
    """A kind of space with its dimensions; `accuracies` and `mse` of its runs."""

    name: str
    numbers: int
    accuracies: list[float]
    mse: float

    @property
    def accuracy(self) -> float:
        return fmean(self.accuracies)


def latent_space(runs: Sequence[FinishedRun]) -> Conclusion | None:
    """How many test examples have the class of most of their nearest neighbours, by where these are looked for."""
    finished = [run for run in runs if run.status == "FINISHED"]
    if not finished:
        return None
    data = finished[0].parts().data
    train, test = (data.examples.inputs[data.splits[name]].flatten(1).numpy() for name in ("train", "test"))
    pixels = Space(train, test, 0.0)
    spaces: dict[tuple[str, int], list[Space]] = {}
    for run in finished:
        space = codes(run.parts())
        spaces.setdefault((str(run.cfg.variant), space.test.shape[1]), []).append(space)
    for numbers in sorted({numbers for _, numbers in spaces}):
        spaces[PCA, numbers] = [components(pixels, numbers)]
    spaces[PIXELS, pixels.test.shape[1]] = [pixels]
    labels = tuple(
        np.array(data.classes)[data.examples.targets[data.splits[name]].numpy()] for name in ("train", "test")
    )
    judged = [
        Judged(*key, [accuracy(space, *labels) for space in each], fmean(space.mse for space in each))
        for key, each in spaces.items()
    ]
    rows = [(each.name, each.numbers, each.accuracy, each.mse, len(each.accuracies)) for each in judged]
    plots = [_curves(judged), _picture(spaces, labels[1], data.classes)]
    return Conclusion(_sentence(judged), COLUMNS, rows, plots)


def codes(parts: Parts) -> Space:
    """Of a trained autoencoder. Raises ValueError for what has no codes, and for data without classes."""
    if not isinstance(parts.task, Reconstruction) or not isinstance(parts.model, Encodes) or not parts.data.classes:
        raise ValueError(
            "This experiment needs task=reconstruction, model=autoencoder or vae, and data with classes."
        )
    train, test = (parts.task.rebuild(name) for name in ("train", "test"))
    assert train.code is not None and test.code is not None
    return Space(train.code, test.code, float(errors(test.rebuilt, test.clean).mean()))


def components(pixels: Space, numbers: int) -> Space:
    """The leading principal components of the training examples."""
    from sklearn.decomposition import PCA as Components

    pca = Components(numbers, svd_solver="covariance_eigh").fit(pixels.train)
    train, test = pca.transform(pixels.train), pca.transform(pixels.test)
    return Space(train, test, float(errors(pca.inverse_transform(test), pixels.test).mean()))


def accuracy(space: Space, train_labels: np.ndarray, test_labels: np.ndarray) -> float:
    """The share of the test examples whose class is that of most of their nearest neighbours in train."""
    from sklearn.neighbors import KNeighborsClassifier

    return float(KNeighborsClassifier(NEIGHBOURS).fit(space.train, train_labels).score(space.test, test_labels))


def _sentence(judged: Sequence[Judged]) -> str:
    *made, pixels = judged
    told = []
    for numbers in sorted({each.numbers for each in made}):
        own = [each for each in made if each.numbers == numbers]
        told.append(f"{numbers} numbers: {', '.join(f'{each.name} {each.accuracy:.1%}' for each in own)}")
    best = max(made, key=lambda each: each.accuracy)
    return (
        f"Test images whose class the {NEIGHBOURS} nearest training images tell, by code. {'; '.join(told)}. "
        f"The {pixels.numbers} pixels themselves tell {pixels.accuracy:.1%}, and the best code, {best.name} of "
        f"{best.numbers}, {best.accuracy:.1%}. None of them was told a class."
    )


def _curves(judged: Sequence[Judged]) -> Plot:
    *made, pixels = judged
    curves = {}
    for name in dict.fromkeys(each.name for each in made):
        own = sorted((each for each in made if each.name == name), key=lambda each: each.numbers)
        repeats = zip(*(each.accuracies for each in own), strict=False)
        curves[name] = Curve.mean([each.numbers for each in own], list(repeats))
    smallest = min(each.numbers for each in made)
    told = ", ".join(f"{each.name} {each.accuracy:.1%}" for each in made if each.numbers == smallest)
    note = f"class of most of the {NEIGHBOURS} nearest training images; dashed: in the space of the pixels"
    panel = Panel("numbers in the code", "k-NN accuracy on test images", curves, "x", level=pixels.accuracy)
    return panels("neighbours", f"Codes of {smallest}: {told}", note, [panel])


def _picture(spaces: dict[tuple[str, int], list[Space]], labels: np.ndarray, classes: Sequence[str]) -> Plot:
    """The test examples in the smallest code of each kind."""
    smallest = min(numbers for _, numbers in spaces)
    return plane({name: each[0].test for (name, n), each in spaces.items() if n == smallest}, labels, classes)
