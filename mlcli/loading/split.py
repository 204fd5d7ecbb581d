"""Splits into training, validation and test examples."""

from math import floor

import torch
from torch import Tensor

from mlcli.loading.dataset import Examples
from mlcli.loading.folds import forward_fold, group_fold, stratified_fold


def split(
    examples: Examples,
    *,
    val: float,
    test: float,
    seed: int,
    by: str = "example",
    folds: int | None = None,
    fold: int = 0,
) -> dict[str, Tensor]:
    """Sorted indices of "train", "val" and "test", a function of the seed (and the fold) only.

    val, test: fractions of the examples; 0 for no such split. Splits are stratified: each has its fraction of every
    class, within one example. Official validation and test splits are kept, and the other fraction is then one of the
    rest; val = 0 leaves out the official validation split. (As scikit-learn's train_test_split, which would take
    longer to import than many runs.)

    folds: k-fold cross-validation of the examples outside official splits; "test" is the part `fold`, counted from 0.
    `val` is a fraction of the others, with equally many training examples in every fold; an official validation split
    is that of every fold.

    by: the unit that is divided. "group" and "class": the groups or classes of the examples, each of which is in one
    split only; fractions are of their number ("class" ignores official splits). "time": examples in temporal order,
    train before val before test; no fold trains on examples after its test split.

    Raises ValueError if a split would be empty, there is no such fold, or the official splits overlap.
    """
    official, chosen = (None, None) if by == "class" else (examples.test, examples.val)
    indices = _divided(examples, official, chosen)
    wanted = {"train": 1.0, "val": val, "test": test}
    if chosen is not None:
        val = 0
    _check(examples.name, len(indices), val, 0 if official is not None else test, folds, fold)
    shares = {"val": val} if folds is not None or official is not None else {"test": test, "val": val}
    generator = torch.Generator().manual_seed(seed)
    if by == "time":
        found = _in_order(indices, shares, folds, fold)
    elif by in ("group", "class"):
        found = _apart(indices, _labels(examples, by)[indices], shares, folds, fold, generator)
    elif folds is not None:
        found = _folded(examples, indices, val, folds, fold, seed)
    else:
        found = _take(_strata(examples, indices), shares, generator)
    if official is not None and folds is None:
        found["test"] = official
    if chosen is not None and wanted["val"]:
        found["val"] = chosen
    splits = {name: found[name].sort().values for name in ("train", "val", "test")}
    empty = [name for name, own in splits.items() if len(own) == 0 and wanted[name] > 0]
    if empty:
        advice = "lower split.val or split.test" if empty[0] == "train" else f"enlarge split.{empty[0]}"
        raise ValueError(f"{examples.name} has too few examples: the {empty[0]} split would be empty; {advice}.")
    return splits


def _divided(examples: Examples, *official: Tensor | None) -> Tensor:
    """The indices outside of official splits. Raises ValueError for an example that is in two of these."""
    count = torch.zeros(len(examples.targets), dtype=torch.int64)
    for indices in official:
        if indices is not None:
            count[indices] += 1
    if (count > 1).any():
        row = int((count > 1).nonzero()[0])
        raise ValueError(f"{examples.name}: example {row} is in the official validation split and in the test split.")
    return (count == 0).nonzero().squeeze(1)


def _check(name: str, count: int, val: float, test: float, folds: int | None, fold: int) -> None:
    if folds is None:
        if fold:
            raise ValueError(
                f"split.fold={fold} needs the number of folds: use split.folds too, as in split.folds=5."
            )
        if val + test >= 1:
            raise ValueError(
                f"split.val={val} and split.test={test} leave nothing to train on: their sum must be below 1."
            )
    elif fold >= folds:
        raise ValueError(f"split.fold={fold}: folds count from 0; with split.folds={folds} use at most {folds - 1}.")
    elif folds > count // 2:
        raise ValueError(f"split.folds={folds}: {name} has {count} examples; use fewer folds.")


def _folded(examples: Examples, indices: Tensor, val: float, folds: int, fold: int, seed: int) -> dict[str, Tensor]:
    labels = examples.targets[indices] if _is_stratified(examples) else None
    test = indices[stratified_fold(labels, len(indices), folds, fold, seed)]
    rest = indices[~torch.isin(indices, test)]
    if not val:
        return {"train": rest, "val": rest[:0], "test": test}
    smallest = len(indices) - -(-len(indices) // folds)
    train = smallest - round(val * smallest)  # the same for all folds, so that they can train as one stack
    generator = torch.Generator().manual_seed(seed)
    return _take(_strata(examples, rest), {"val": (len(rest) - train) / len(rest)}, generator) | {"test": test}


def _in_order(indices: Tensor, shares: dict[str, float], folds: int | None, fold: int) -> dict[str, Tensor]:
    """Train, then val, then test, in temporal order."""
    known, test = forward_fold(len(indices), folds, fold) if folds is not None else (torch.arange(len(indices)), None)
    counts = {name: round(share * len(known)) for name, share in shares.items()}
    sizes = [len(known) - sum(counts.values()), counts["val"], counts.get("test", 0)]
    train, val, last = torch.split(indices[known], sizes)
    return {"train": train, "val": val, "test": last if test is None else indices[test]}


def _apart(
    indices: Tensor,
    label_of: Tensor,
    shares: dict[str, float],
    folds: int | None,
    fold: int,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Divides the labels (groups or classes), so that all examples of a label are in one split."""
    test = group_fold(label_of, folds, fold, generator) if folds is not None else torch.arange(0)
    tested = torch.unique(label_of[test])
    rest = torch.unique(label_of)
    taken = _take([rest[~torch.isin(rest, tested)]], shares, generator)
    found = {name: indices[torch.isin(label_of, labels)] for name, labels in taken.items()}
    return found | {"test": indices[test]} if folds is not None else found


def _labels(examples: Examples, by: str) -> Tensor:
    """The group or the class of each example."""
    if by == "group":
        if examples.groups is None:
            other = "split.by=class" if _is_stratified(examples) else "split.by=example"
            raise ValueError(f"split.by=group: data={examples.name} has no groups; use {other}.")
        return examples.groups
    if not _is_stratified(examples):
        raise ValueError(f"split.by=class: data={examples.name} has no class for each example; use other data.")
    return examples.targets


def _strata(examples: Examples, indices: Tensor) -> list[Tensor]:
    """Indices by class; a single stratum if examples do not have exactly one class."""
    if not _is_stratified(examples):
        return [indices]
    targets = examples.targets[indices]
    return [indices[targets == label] for label in range(len(examples.classes))]


def _is_stratified(examples: Examples) -> bool:
    return bool(examples.classes) and examples.targets.ndim == 1


def _take(groups: list[Tensor], shares: dict[str, float], generator: torch.Generator) -> dict[str, Tensor]:
    """Divides each group at random by the shares; train gets the rest.

    A split gets its share of a group, rounded down or up. The examples that remain after rounding down go to the
    splits that have received least relative to their shares so far, so the totals match the shares too.
    """
    shares = {**shares, "train": 1 - sum(shares.values())}
    taken: dict[str, list[Tensor]] = {name: [] for name in shares}
    owed = dict.fromkeys(shares, 0.0)
    for group in groups:
        order = group[torch.randperm(len(group), generator=generator)]
        counts = {name: floor(len(group) * share + 1e-9) for name, share in shares.items()}
        for name, share in shares.items():
            owed[name] += len(group) * share - counts[name]
        left = len(group) - sum(counts.values())
        for name in sorted(owed, key=lambda name: -round(owed[name], 9))[:left]:
            counts[name] += 1
            owed[name] -= 1
        for name, part in zip(shares, torch.split(order, list(counts.values())), strict=True):
            taken[name].append(part)
    return {name: torch.cat(parts) for name, parts in taken.items()}
