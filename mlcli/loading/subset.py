"""Subsets of a data set: some of its classes, or a number of training examples per class."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mlcli.loading.dataset import Examples


def keep_classes(examples: Examples, classes: Sequence[str]) -> Examples:
    """The examples of these classes, which are renumbered in the given order. Raises ValueError for unknown names."""
    _check_classes(examples, "classes")
    unknown = [str(name) for name in classes if str(name) not in examples.classes]
    if unknown or len(set(classes)) < 2:
        wrong = f"{examples.name} has no class {unknown[0]}" if unknown else "must be two or more classes"
        raise ValueError(f"split.classes={list(classes)}: {wrong}. Choices: {', '.join(examples.classes)}.")
    labels = torch.full((len(examples.classes),), -1)
    for label, name in enumerate(classes):
        labels[examples.classes.index(str(name))] = label
    targets = labels[examples.targets]
    kept = (targets >= 0).nonzero().squeeze(1)
    return replace(
        examples,
        inputs=examples.inputs[kept],
        targets=targets[kept],
        classes=tuple(map(str, classes)),
        groups=None if examples.groups is None else examples.groups[kept],
        texts=tuple(own[kept.numpy()] for own in examples.texts),
        weights=None if examples.weights is None else examples.weights[kept],
        test=None if examples.test is None else torch.isin(kept, examples.test).nonzero().squeeze(1),
        val=None if examples.val is None else torch.isin(kept, examples.val).nonzero().squeeze(1),
    )


def limit_per_class(examples: Examples, indices: Tensor, per_class: int, seed: int) -> Tensor:
    """`per_class` of these sorted indices per class, sampled by the seed; a larger subset contains the smaller ones.
    Raises ValueError if a class has fewer."""
    _check_classes(examples, "per_class")
    generator = torch.Generator().manual_seed(seed)
    targets, picked = examples.targets[indices], []
    for label, name in enumerate(examples.classes):
        own = indices[targets == label]
        if len(own) < per_class:
            raise ValueError(
                f"split.per_class={per_class}: class {name} of {examples.name} has {len(own)} examples to train on; "
                f"use at most split.per_class={len(own)}."
            )
        picked.append(own[torch.randperm(len(own), generator=generator)[:per_class]])
    return torch.cat(picked).sort().values


def _check_classes(examples: Examples, key: str) -> None:
    if not examples.classes or examples.targets.ndim > 1 or examples.world is not None:
        raise ValueError(f"split.{key}: an example of {examples.name} does not have one class; use split.{key}=null.")
