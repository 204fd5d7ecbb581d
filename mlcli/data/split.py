"""Which examples are for training, which for choosing, and which for the final judgement."""

from math import floor

import torch
from torch import Tensor

from mlcli.data.dataset import Examples


def split(examples: Examples, *, val: float, test: float, seed: int) -> dict[str, Tensor]:
    """Sorted indices of "train", "val" and "test", a function of the seed alone.

    Classes are stratified: each split has its share of every class, within one example. An official test split is
    kept, and `val` is then a share of the rest. scikit-learn's train_test_split does the same, but importing it
    takes longer than many a run. Raises ValueError when a split would be empty.
    """
    official = examples.test
    if official is None and val + test >= 1:
        raise ValueError(
            f"split.val={val} and split.test={test} leave nothing to train on: their sum must be below 1."
        )
    generator = torch.Generator().manual_seed(seed)
    pool = torch.ones(len(examples.targets), dtype=torch.bool)
    if official is not None:
        pool[official] = False
    groups = _groups(examples, pool.nonzero().squeeze(1))
    shares = {"val": val} if official is not None else {"test": test, "val": val}
    found = _take(groups, shares, generator)
    if official is not None:
        found["test"] = official
    splits = {name: found[name].sort().values for name in ("train", "val", "test")}
    empty = [name for name, indices in splits.items() if len(indices) == 0]
    if empty:
        advice = "lower split.val or split.test" if empty[0] == "train" else f"enlarge split.{empty[0]}"
        raise ValueError(f"{examples.name} has too few examples: the {empty[0]} split would be empty; {advice}.")
    return splits


def _groups(examples: Examples, indices: Tensor) -> list[Tensor]:
    """Indices by class; all together for regression."""
    if not examples.classes:
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
