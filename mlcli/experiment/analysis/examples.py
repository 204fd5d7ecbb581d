"""Examples of a split, as experiments need them: model inputs, class names, an example for a figure."""

import numpy as np
from torch import Tensor

from mlcli.loading.dataset import DataSet
from mlcli.loading.loader import Loader
from mlcli.run.build import Parts


def loader_of(parts: Parts) -> Loader:
    """The loader of a task that trains one network."""
    loader: Loader = parts.task.loader  # type: ignore[attr-defined]  # no member of the protocol
    return loader


def test_inputs(parts: Parts) -> Tensor:
    """The whole test split, normalised and in the shape that the model takes."""
    return loader_of(parts).prepare(parts.data.examples.inputs[parts.data.splits["test"]])


def class_labels(data: DataSet, split: str) -> np.ndarray:
    """The name of the class of each example of the split, N."""
    labels: np.ndarray = np.array(data.classes)[data.examples.targets[data.splits[split]].numpy()]
    return labels


def median_length(tokens: Tensor) -> int:
    """The index of an example of median length, of N × T tokens with padding 0."""
    return int((tokens != 0).sum(1).argsort()[len(tokens) // 2])
