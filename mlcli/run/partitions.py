"""Whether the repeats of a cross-validation have different partitions into folds."""

from collections.abc import Iterable

from mlcli.config.settings import Settings
from mlcli.loading.dataset import DataSet
from mlcli.loading.split import split
from mlcli.run.own_table import split_unit


def are_alike(data: DataSet, cfg: Settings, seeds: Iterable[int]) -> bool:
    """Whether all seeds give the same test splits, as a partition by time always does."""
    own = {key: cfg.split[key] for key in ("val", "test", "folds")} | {"by": split_unit(cfg)}
    found = set()
    for seed in seeds:
        tests = [split(data.examples, **own, seed=seed, fold=fold)["test"].tolist() for fold in range(own["folds"])]
        found.add(frozenset(map(tuple, tests)))
        if len(found) > 1:
            return False
    return True
