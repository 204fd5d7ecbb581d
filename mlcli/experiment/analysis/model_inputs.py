"""Examples as a trained model takes them, for experiments that look inside it."""

from torch import Tensor

from mlcli.loading.loader import Loader
from mlcli.run.build import Parts


def loader_of(parts: Parts) -> Loader:
    """The loader of a task that trains one network."""
    loader: Loader = parts.task.loader  # type: ignore[attr-defined]  # the loop needs none, so the verbs name none
    return loader


def test_inputs(parts: Parts) -> Tensor:
    """The whole test split, normalised and in the shape that the model takes."""
    return loader_of(parts).prepare(parts.data.examples.inputs[parts.data.splits["test"]])
