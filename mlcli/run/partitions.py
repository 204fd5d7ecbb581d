"""Whether the repeats of a cross-validation divide the examples in more than one way."""

from collections.abc import Iterable

from mlcli.config.settings import Settings
from mlcli.loading.dataset import DataSet
from mlcli.loading.split import split


def are_alike(data: DataSet, cfg: Settings, seeds: Iterable[int]) -> bool:
    """Whether every seed gives the same test splits to the folds, as those by time always are."""
    own = {key: cfg.split[key] for key in ("val", "test", "by", "folds")}
    found = set()
    for seed in seeds:
        tests = [split(data.examples, **own, seed=seed, fold=fold)["test"].tolist() for fold in range(own["folds"])]
        found.add(frozenset(map(tuple, tests)))
        if len(found) > 1:
            return False
    return True
