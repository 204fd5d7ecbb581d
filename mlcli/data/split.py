"""Which examples are for training, which for choosing, and which for the final judgement."""

from math import floor
from typing import Any

import torch
from torch import Tensor

from mlcli.data.dataset import Examples


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
    """Sorted indices of "train", "val" and "test", a function of the seed (and the fold) alone.

    With `folds`, what is not in an official test split is cut into so many parts, and "test" is the part `fold`,
    counted from 0: k-fold cross-validation. `val` is then a share of the rest, and train as large for every fold.

    by: "group" divides the groups of the examples and "class" their classes, none of which is then in two splits; an
    official test split is not kept.

    Classes are stratified: each split has its share of every class, within one example. An official test split is
    kept, and `val` is then a share of the rest. scikit-learn's train_test_split does the same, but importing it
    takes longer than many a run. Raises ValueError when a split would be empty, or there is no such fold.
    """
    if by != "example":
        return _by_unit(examples, _units(examples, by), val=val, test=test, seed=seed, folds=folds, fold=fold)
    official = examples.test
    if fold and folds is None:
        raise ValueError(f"split.fold={fold} is one of how many? Type split.folds too, as in split.folds=5.")
    if official is None and folds is None and val + test >= 1:
        raise ValueError(
            f"split.val={val} and split.test={test} leave nothing to train on: their sum must be below 1."
        )
    generator = torch.Generator().manual_seed(seed)
    pool = torch.ones(len(examples.targets), dtype=torch.bool)
    if official is not None:
        pool[official] = False
    indices = pool.nonzero().squeeze(1)
    if folds is not None:
        found = _folded(examples, indices, val, folds, fold, generator)
    elif official is not None:
        found = _take(_groups(examples, indices), {"val": val}, generator) | {"test": official}
    else:
        found = _take(_groups(examples, indices), {"test": test, "val": val}, generator)
    splits = {name: found[name].sort().values for name in ("train", "val", "test")}
    empty = [name for name, indices in splits.items() if len(indices) == 0]
    if empty:
        advice = "lower split.val or split.test" if empty[0] == "train" else f"enlarge split.{empty[0]}"
        raise ValueError(f"{examples.name} has too few examples: the {empty[0]} split would be empty; {advice}.")
    return splits


def _units(examples: Examples, by: str) -> Tensor:
    """What each example belongs to."""
    if by == "class":
        if not examples.classes or examples.targets.ndim > 1:
            raise ValueError(f"split.by=class: data={examples.name} has no class for each example; type other data.")
        return examples.targets
    if examples.groups is None:
        other = "example, or class" if examples.classes else "example, or data=sinusoids, which has"
        raise ValueError(f"split.by=group: data={examples.name} has no groups; type split.by={other}.")
    return examples.groups


def _by_unit(examples: Examples, unit_of: Tensor, **how: Any) -> dict[str, Tensor]:
    """Divides the units as if each were one example."""
    units, unit_of = torch.unique(unit_of, return_inverse=True)
    whole = Examples(f"{examples.name} (in units)", "vector", units, units.float())
    return {name: torch.isin(unit_of, own).nonzero().squeeze(1) for name, own in split(whole, **how).items()}


def _folded(
    examples: Examples, indices: Tensor, val: float, folds: int, fold: int, generator: torch.Generator
) -> dict[str, Tensor]:
    if fold >= folds:
        raise ValueError(f"split.fold={fold}: folds count from 0; with split.folds={folds} type at most {folds - 1}.")
    if folds > len(indices) // 2:
        raise ValueError(f"split.folds={folds}: {examples.name} has {len(indices)} examples; type fewer folds.")
    shuffled = torch.cat([own[torch.randperm(len(own), generator=generator)] for own in _groups(examples, indices)])
    # Dealt out like cards, class after class: every fold has its share of each, and its size within one example.
    test = shuffled[fold::folds]
    rest = indices[~torch.isin(indices, test)]
    smallest = len(indices) - -(-len(indices) // folds)
    train = smallest - round(val * smallest)  # of one size, so that the folds can train as one stack
    return _take(_groups(examples, rest), {"val": (len(rest) - train) / len(rest)}, generator) | {"test": test}


def _groups(examples: Examples, indices: Tensor) -> list[Tensor]:
    """Indices by class; all together where an example does not have just one."""
    if not examples.classes or examples.targets.ndim > 1:
        return [indices]
    targets = examples.targets[indices]
    return [indices[targets == label] for label in range(len(examples.classes))]


def _take(groups: list[Tensor], shares: dict[str, float], generator: torch.Generator) -> dict[str, Tensor]:
    """Deals each group out by the shares, train taking the rest.

    A split gets its share of a group rounded down or up, so it is always within one example. The examples that
    rounding down leaves over go to the splits that are owed most so far: as a whole, splits have their shares too.
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
