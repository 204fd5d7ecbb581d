"""What a task or a model declares about itself, as one class attribute `traits`, and how the rest of mlcli reads it.

    class MyTask:
        traits = TaskTraits(per_step=True)

A class without `traits`, as any `torch.nn.Module` of another package, has the defaults. Optional methods are typed
protocols (`mlcli.train.protocols`); what is here needs no torch and may be imported from anywhere.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol, TypeVar, runtime_checkable

from mlcli.renamed import announce

TRAIN_SAMPLE = "train_sample"  # the split of `sample_metrics`


@dataclass(frozen=True)
class TaskTraits:
    """Facts about a task that hold for all its instances.

    per_step: the model has to predict for each step of a sequence.
    reconstructs: the targets are the inputs, so that a model without outputs of its own fits too.
    test_split_optional: a run can be evaluated without a held-out split, as of an unsupervised task (split.test=0).
    per_trial: attributes of an instance that may differ between the trials of a stack.
    cannot_stack: why trials of this task never train as one stack; None where they may.
    layer_statistics: `loss` takes batches of the loader as they are, so that the gradients and activations of layers
    can be measured on one.
    directions: metrics by name without the split (`*` matches any text) → "max", "min", or None for neither, for
    those that `mlcli.metric.direction` does not list.
    delayed_metrics: metrics of the training split that `step` returns only after some steps.
    tables: takes tables, whose inputs are not numbers of one kind.
    sample_metrics: metrics that are also computed after each epoch on a sample of the training split, at most as
    large as the validation split.
    robust_metric: of the validation split, by which the best epoch on a table of the user's own is chosen
    (trainer.monitor=auto) where it is not the loss: a few large errors must not decide.
    ensembles: `loss` is the mean of the losses of the members of a model that is an ensemble.
    names: what the indices in predictions stand for, where the data names them: classes, actions or tokens; "" where
    predictions hold no such indices.
    skips_batches: `batches(epoch, start)` continues an epoch after its first `start` batches, and `state_dict()` is
    all that it needs besides; checkpoints of other tasks are those between two epochs.
    """

    per_step: bool = False
    reconstructs: bool = False
    test_split_optional: bool = False
    per_trial: tuple[str, ...] = ()
    cannot_stack: str | None = None
    layer_statistics: bool = True
    directions: Mapping[str, str | None] = field(default_factory=dict)
    delayed_metrics: tuple[str, ...] = ()
    sample_metrics: tuple[str, ...] = ()
    tables: bool = False
    robust_metric: str | None = None
    ensembles: bool = False
    names: str = "classes"
    skips_batches: bool = False


@dataclass(frozen=True)
class ModelTraits:
    """Facts about a model. An instance may have traits of its own where they depend on its settings.

    accepts: kinds of input (vector, table, image, sequence, tokens, state), the preferred first; () for any. The YAML
    of a model may state `accepts` instead, for a class of another package.
    reconstructs: the outputs have the shape of the inputs; the constructor takes no `outputs`.
    trained_by: the task that trains it, by its name in `task=NAME`, where it is not gradient descent.
    normalise_per_feature: each feature, and each pixel, is normalised by its own mean and standard deviation.
    own_vocabulary: reads the tokens of a text by their names (`words`), with a vocabulary of its own, so that none is
    fitted to the training split.
    per_trial: arguments of the constructor that may differ between the trials of a stack.
    fitted: its method `fit` takes the place of gradient updates; a module with a `fit` is a network otherwise.
    full_batch: `fit` takes the whole training split, once.
    takes_sample_weights: `fit` takes a weight for each example.
    summary: describes the model where its number of parameters does not.
    """

    accepts: tuple[str, ...] = ()
    reconstructs: bool = False
    trained_by: str | None = None
    normalise_per_feature: bool = False
    own_vocabulary: bool = False
    per_trial: tuple[str, ...] = ()
    fitted: bool = False
    full_batch: bool = False
    takes_sample_weights: bool = False
    summary: str | None = None


@dataclass(frozen=True)
class DataTraits:
    """Facts about the function of a data set. Those of tables of the user's own read their files for both.

    columns: the names of the columns, in order, from the settings of the data set. Raises ValueError or OSError.
    task: "classification" or "regression", by the values of the target; arguments and errors as of `columns`.
    """

    columns: Callable[..., Sequence[str]] | None = None
    task: Callable[..., str] | None = None


@runtime_checkable
class Generates(Protocol):
    """A task whose model continues a text."""

    def generate(self, prompt: str, tokens: int, temperature: float, seed: int) -> str:
        """The text of `tokens` tokens that continue the prompt. Raises ValueError if it cannot be encoded."""


def task_traits(task: Any) -> TaskTraits:
    """The traits of a task, or of a task's class."""
    for old, new in FORMER_METHODS.items():
        if hasattr(task, old) and not hasattr(task, new):
            announce(f"{_class_of(task).__name__}.{old}", new, works=False)
    return _traits_of(task, TaskTraits)


def require_inference(task: Any) -> None:
    """Raises ValueError for a task, or a task's class, with the method `predict` of earlier versions."""
    if hasattr(task, "predict"):
        raise ValueError(
            f"{_class_of(task).__name__}.predict is no longer called: in its place, a GradientTask has the method "
            "`head`, and other tasks have `inference` and `columns` (docs/extending.md, Task)"
        )


def model_traits(model: Any) -> ModelTraits:
    """The traits of a model, or of a model's class or constructor."""
    return _traits_of(model, ModelTraits)


def data_traits(function: Any) -> DataTraits:
    """The traits of the function of a data set."""
    return _traits_of(function, DataTraits)


Function = TypeVar("Function", bound=Callable[..., Any])


def with_traits(traits: DataTraits) -> Callable[[Function], Function]:
    """A decorator for the function of a data set, which cannot have a class attribute."""

    def declare(function: Function) -> Function:
        function.traits = traits  # type: ignore[attr-defined]
        return function

    return declare


Traits = TypeVar("Traits", TaskTraits, ModelTraits, DataTraits)
# Attributes of earlier versions, which `traits` replaces. They work for one more release.
FORMER = {
    "accepts": "accepts",
    "alone": "cannot_stack",
    "at_once": "full_batch",
    "by_feature": "normalise_per_feature",
    "directions": "directions",
    "per_step": "per_step",
    "rebuilds": "reconstructs",
    "takes_weights": "takes_sample_weights",
    "told_later": "delayed_metrics",
    "trained_by": "trained_by",
    "unsupervised": "test_split_optional",
    "varies": "per_trial",
    "watchable": "layer_statistics",
}
# Optional methods of tasks in earlier versions. They are no longer called.
FORMER_METHODS = {
    "answers": "evaluation_outputs",
    "check": "check_data",
    "examples": "fit_arguments",
    "footprint": "trial_bytes",
    "outline": "memory_proxy",
}


def _traits_of(found: Any, kind: type[Traits]) -> Traits:
    declared = getattr(found, "traits", None)
    traits = declared if isinstance(declared, kind) else kind()
    names = {each.name for each in fields(kind)}
    former = {old: new for old, new in FORMER.items() if new in names and hasattr(found, old)}
    for old, new in former.items():
        traits = replace(traits, **{new: getattr(found, old)})
        announce(f"{_class_of(found).__name__}.{old}", f"traits = {kind.__name__}({new}=…)")
    return traits


def _class_of(found: Any) -> type:
    return found if isinstance(found, type) else type(found)
