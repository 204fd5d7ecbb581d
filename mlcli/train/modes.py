"""Evaluation mode for the time of an inference."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode, and afterwards in the mode it was in.

    A model without any module in training mode is not written to at all: a loaded model stays in evaluation mode for
    good, so that several threads may use it at once.
    """
    if not any(module.training for module in model.modules()):
        yield
        return
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
