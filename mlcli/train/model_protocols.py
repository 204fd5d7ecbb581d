"""The optional methods of models. Checked with `isinstance`, for a class as well as for an instance; inheriting from
them is not needed. Facts about a class are in `mlcli.traits.ModelTraits`."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeGuard, runtime_checkable

from torch import Tensor

from mlcli.random_numbers import Fill, random


@runtime_checkable
class Fitted(Protocol):
    """A model that is not trained by gradient descent on a task's loss, such as an estimator of scikit-learn. Its
    class says so in `traits.fitted`; other modules with a `fit` are networks."""

    def fit(self, inputs: Tensor, targets: Tensor) -> Tensor | None:
        """Learns from a batch, or from the whole training split where `traits.full_batch` says so; with
        `traits.takes_sample_weights` a third argument weighs the examples. Returns the loss before the step, or None,
        after which the task's loss is computed."""


@runtime_checkable
class ChoosesFullBatch(Protocol):
    """Whether `fit` takes the whole training split depends on the model's settings."""

    @staticmethod
    def is_full_batch(estimator: Any, incremental: bool | None) -> bool:
        """From the settings `model.estimator` and `model.incremental`. Raises ValueError for those that contradict
        each other."""


@runtime_checkable
class ChecksExamples(Protocol):
    """The settings need a minimum number of examples."""

    def check_examples(self, count: int) -> None:
        """Raises ValueError if `count` training examples are too few."""


@runtime_checkable
class PredictsClasses(Protocol):
    """A classifier whose prediction need not be the class with the highest output, as an estimator that decides by
    votes or by a threshold of its own."""

    def estimator_classes(self, inputs: Tensor) -> Tensor:
        """B × the shape of an input → B class indices."""


@runtime_checkable
class ExtractsFeatures(Protocol):
    """Only the head learns; its inputs are computed once, before training."""

    def extract(self, inputs: Tensor) -> Tensor:
        """B × the shape of an input → B × features."""


@runtime_checkable
class FitsInputs(Protocol):
    """Buffers of the network follow from the training rows, such as bins from quantiles."""

    def fit_inputs(self, inputs: Tensor) -> None:
        """Sets them. Called once, before training, with the inputs N × D of the training split as the model receives
        them."""


@runtime_checkable
class Ensemble(Protocol):
    """K networks in one. They learn from the mean of their losses rather than from the loss of their average, which
    `forward` returns: of one output the mean, of logits the logarithm of the mean probabilities."""

    def members(self, inputs: Tensor) -> Tensor:
        """B × the shape of an input → B × K × outputs."""


@runtime_checkable
class ScalesRates(Protocol):
    """The network's parameters have learning rates of their own."""

    lr_scale: Mapping[str, float]  # factors of optimizer.lr by name pattern; "*": all that match no other


@runtime_checkable
class Encodes(Protocol):
    """An autoencoder, or another model with a latent space."""

    def encode(self, inputs: Tensor) -> Tensor:
        """B × the shape of an input → B × latent dimensions."""


@runtime_checkable
class Regularised(Protocol):
    """A model whose loss has a term of its own, as the Kullback–Leibler divergence of a variational autoencoder."""

    def with_divergence(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """B × the shape of an input → the outputs, and the divergence of each example, B."""


@runtime_checkable
class AddsTable(Protocol):
    """A table of action values that can have a second one beside it, for double Q-learning."""

    def add_table(self) -> None:
        """Adds it, with the same values."""


@runtime_checkable
class Samples(Protocol):
    """A module that samples random numbers in `forward`, through an attribute that a stack of trials replaces, so
    that each trial samples from a generator of its own. The attribute is `mlcli.random_numbers.random`."""

    random: Callable[[Tensor, Fill], Tensor]


def samples(module: Any) -> TypeGuard[Samples]:
    """Whether a module implements `Samples`; an attribute of that name may be anything in modules of others."""
    return isinstance(module, Samples) and module.random is random
