"""From a loader's examples to a data set: split, then measured on the training split alone."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mlcli.loading.check_examples import check_examples
from mlcli.loading.dataset import INDEX_KINDS, DataSet, Examples
from mlcli.loading.split import split
from mlcli.loading.statistics import statistics
from mlcli.loading.subset import keep_classes, limit_per_class


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
    """Splits and measures; without `normalise` the mean is 0 and the deviation 1. Raises ValueError as `split` and
    `check_examples`.

    classes: those that are kept; per_class: examples of each that are left to train on, val and test staying whole.
    by_feature: every pixel of an image and every step of a sequence is normalised for itself.
    """
    examples = examples if classes is None else keep_classes(examples, classes)
    check_examples(examples)
    splits = split(examples, val=val, test=test, seed=seed, by=by, folds=folds, fold=fold)
    if per_class is not None:
        splits["train"] = limit_per_class(examples, splits["train"], per_class, seed)
    kind = "vector" if by_feature and examples.kind not in INDEX_KINDS else examples.kind
    mean, std = statistics(examples.inputs[splits["train"]].float(), kind)
    if not normalise:
        mean, std = torch.zeros_like(mean), torch.ones_like(std)
    uneven = folds and by == "example" and not val  # a validation split would even them out
    return DataSet(examples, splits, mean, std, _largest_training_split(splits, folds) if folds and uneven else None)


def _largest_training_split(splits: dict[str, Tensor], folds: int) -> int:
    """How many training examples the fold with most of them has. All folds draw so many in an epoch, those that have
    one less draw one twice, and so they can train as one stack."""
    count = sum(map(len, splits.values()))
    return count - count // folds
