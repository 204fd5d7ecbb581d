"""What is told and drawn of few-shot episodes. M episodes, W ways, E examples of a class, S shots, Q queries."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from mlcli.figure import few_shot as figures_few_shot
from mlcli.figure.largest_errors import pixels
from mlcli.figure.plot import Plot
from mlcli.metric.latent import latent_space

SHOWN = 8  # classes of an episode that are drawn
PLANE = 10  # classes that are drawn as points


def by_example(queries: Tensor, hits: Tensor, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Of each of `count` examples, how often it was a query and how often it was answered right. queries: M × W × Q
    positions among them; hits: M × W × Q."""
    asked = torch.bincount(queries.flatten(), minlength=count)
    right = torch.bincount(queries[hits], minlength=count)
    return asked.cpu().numpy(), right.cpu().numpy()


@dataclass(frozen=True)
class Curve:
    """Accuracy by the ways of episodes with so many shots, and half the width of its 95 % interval; what only
    compares is dashed."""

    name: str
    shots: int
    ways: Sequence[int]
    accuracy: Sequence[float]
    interval: Sequence[float]
    dashed: bool = False


def accuracy_by_ways(title: str, curves: Sequence[Curve]) -> Plot:
    """accuracy_by_ways: the curves, each with its interval, beside guessing."""
    return Plot(
        "accuracy_by_ways", figures_few_shot.accuracy_by_ways, {"title": title, "curves": [*map(asdict, curves)]}
    )


def episode(inputs: Tensor, answers: Tensor, shots: int, names: Sequence[str]) -> Plot:
    """episode: the pictures of one episode and what was answered. inputs: W × E × channels × height × width;
    answers: W × Q indices of the classes, by `names`. Classes with mistakes come first."""
    right = (answers == torch.arange(len(names)).unsqueeze(1)).float()
    shown = torch.sort(right.mean(1), stable=True).indices[:SHOWN]
    images = pixels(inputs[shown].flatten(0, 1).numpy())["images"]
    of_class = inputs.shape[1]
    data = {
        "images": [images[row * of_class : (row + 1) * of_class] for row in range(len(shown))],
        "shots": shots,
        "names": [names[row] for row in shown],
        "answers": [[names[answer] for answer in answers[row].tolist()] for row in shown],
        "ways": len(names),
        "right": int(right.sum()),
        "asked": right.numel(),
    }
    return Plot("episode", figures_few_shot.episode, data)


def plane(raw: np.ndarray | None, embeddings: np.ndarray, labels: np.ndarray) -> Plot:
    """latent_space: a few of the classes, evenly spaced, as raw inputs and as they are embedded. labels: N names."""
    classes = list(dict.fromkeys(labels.tolist()))
    chosen = [classes[i] for i in np.unique(np.linspace(0, len(classes) - 1, PLANE).round().astype(int))]
    own = np.isin(labels, chosen)
    codes = {} if raw is None else {"raw inputs": raw[own]}
    return latent_space({**codes, "embedding": embeddings[own]}, labels[own], chosen)
