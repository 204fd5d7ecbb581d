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
from mlcli.loading.table.schema import Schema
from mlcli.loading.table.texts import fit_components


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
) -> DataSet:
    """Splits the examples and computes the statistics. Raises ValueError as `split` and the checks do.

    normalise: if not, the mean is 0 and the standard deviation 1. classes: those to keep. per_class: number of
    training examples to keep per class. by_feature: normalises every pixel or step separately.
    """
    check_shapes(examples)
    examples = examples if classes is None else keep_classes(examples, classes)
    check_examples(examples)
    splits = split(examples, val=val, test=test, seed=seed, by=by, folds=folds, fold=fold)
    if per_class is not None:
        splits["train"] = limit_per_class(examples, splits["train"], per_class, seed)
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
    if examples.kind in INDEX_KINDS:
        return examples, Unchanged(torch.zeros(1), torch.ones(1))
    mean, std = statistics(examples.inputs[train].float(), "vector" if by_feature else examples.kind)
    if normalise:
        return examples, Standardise(mean, std)
    return examples, Standardise(torch.zeros_like(mean), torch.ones_like(std))


def with_texts(examples: Examples, fitted: Preprocessing) -> Examples:
    """The examples with the components of their texts by the preprocessing of a run; others stay as they are."""
    if not isinstance(fitted, table.TablePreprocessing):
        return examples
    return replace(examples, inputs=fitted.filled(examples.inputs, examples.texts))


def restored(buffers: Mapping[str, Tensor], kind: str, schema: Schema | None) -> Preprocessing:
    """The preprocessing with these buffers, of a run. Raises ValueError if they are of another kind of data or of
    another table."""
    if schema is not None:
        return table.TablePreprocessing(schema, buffers)
    for name in {"mean", "std"} - buffers.keys():
        raise ValueError(f"not the weights of a run: there is no data.{name}")
    return (Unchanged if kind in INDEX_KINDS else Standardise)(buffers["mean"], buffers["std"])


def _largest_training_split(splits: dict[str, Tensor], folds: int) -> int:
    """The size of the largest training split of all folds. Every fold takes that many examples per epoch (those with
    one less repeat one), so that the folds can train as one stack."""
    count = len(splits["train"]) + len(splits["test"])
    return count - count // folds
