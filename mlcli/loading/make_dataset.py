"""From examples to a data set: the splits, then the statistics of the training split."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mlcli.loading.check_examples import check_examples
from mlcli.loading.check_shapes import check_shapes
from mlcli.loading.dataset import INDEX_KINDS, DataSet, Examples
from mlcli.loading.preprocessing import Preprocessing, Standardise, Unchanged
from mlcli.loading.split import split
from mlcli.loading.statistics import statistics
from mlcli.loading.subset import keep_classes, limit_per_class
from mlcli.loading.table import preprocessing as table
from mlcli.loading.table.texts import fit_components
from mlcli.loading.tfidf import TfIdf
from mlcli.loading.vocabulary import Vocabulary


def make_dataset(
    examples: Examples,
    *,
    val: float,
    test: float,
    seed: int,
    by: str = "example",
    normalise: bool = True,
    folds: int | None = None,
    fold: int = 0,
    classes: Sequence[str] | None = None,
    per_class: int | None = None,
    by_feature: bool = False,
    own_vocabulary: bool = False,
) -> DataSet:
    """Splits the examples and computes the statistics. Raises ValueError as `split` and the checks do.

    normalise: if not, the mean is 0 and the standard deviation 1. classes: those to keep. per_class: number of
    training examples to keep per class. by_feature: normalises every pixel or step separately.
    own_vocabulary: the model has a vocabulary of its own, so that none is fitted.
    """
    check_shapes(examples)
    examples = examples if classes is None else keep_classes(examples, classes)
    check_examples(examples)
    splits = split(examples, val=val, test=test, seed=seed, by=by, folds=folds, fold=fold)
    if per_class is not None:
        splits["train"] = limit_per_class(examples, splits["train"], per_class, seed)
    if own_vocabulary and examples.kind == "tokens":
        examples = replace(examples, fit=None)
    examples, fitted = _fitted(examples, splits["train"], normalise, by_feature)
    # With a validation split that is a share of the rest, all folds train on equally many.
    uneven = folds and by == "example" and (not val or examples.val is not None)
    return DataSet(examples, splits, fitted, _largest_training_split(splits, folds) if folds and uneven else None)


def _fitted(examples: Examples, train: Tensor, normalise: bool, by_feature: bool) -> tuple[Examples, Preprocessing]:
    """The examples with the components of their texts, and the preprocessing, both fitted on the training split."""
    if examples.schema is not None:
        places = examples.schema.text_places
        texts = [fit_components(own, train.numpy()) for own in examples.texts]
        inputs = table.fill(examples.inputs, examples.texts, places, texts)
        return replace(examples, inputs=inputs), table.fit(inputs[train], examples.schema, normalise, texts)
    return examples, _preprocessing(examples, examples.inputs[train], normalise, by_feature)


def _preprocessing(examples: Examples, inputs: Tensor, normalise: bool, by_feature: bool) -> Preprocessing:
    """Fitted to the inputs of the training split."""
    if examples.fit is not None:
        return examples.fit(inputs, normalise)
    if examples.kind in INDEX_KINDS:
        return Unchanged(torch.zeros(1), torch.ones(1))
    mean, std = statistics(inputs.float(), "vector" if by_feature else examples.kind)
    return Standardise(mean, std) if normalise else Standardise(torch.zeros_like(mean), torch.ones_like(std))


def with_texts(examples: Examples, fitted: Preprocessing) -> Examples:
    """The examples with the components of their texts by the preprocessing of a run; others stay as they are."""
    if not isinstance(fitted, table.TablePreprocessing):
        return examples
    return replace(examples, inputs=fitted.filled(examples.inputs, examples.texts))


def restored(buffers: Mapping[str, Tensor], examples: Examples) -> Preprocessing:
    """The preprocessing with these buffers, of a run on such examples. Raises ValueError if they are of another kind
    of data, of another table or of another vocabulary."""
    if examples.schema is not None:
        return table.TablePreprocessing(examples.schema, buffers)
    tokens = len(examples.vocabulary)
    if examples.kind == "tokens" and {"index", "size"} <= buffers.keys():
        return Vocabulary(buffers["index"], buffers["size"], tokens)
    for name in {"mean", "std"} - buffers.keys():
        raise ValueError(f"not the weights of a run: there is no data.{name}")
    mean, std = buffers["mean"], buffers["std"]
    if examples.kind == "tokens" and {"column", "idf"} <= buffers.keys():
        return TfIdf(buffers["column"], buffers["idf"], mean, std, tokens)
    return (Unchanged if examples.kind in INDEX_KINDS else Standardise)(mean, std)


def _largest_training_split(splits: dict[str, Tensor], folds: int) -> int:
    """The size of the largest training split of all folds. Every fold takes that many examples per epoch (those with
    one less repeat one), so that the folds can train as one stack."""
    count = len(splits["train"]) + len(splits["test"])
    return count - count // folds
