"""The data set of a config: examples, their splits and the preprocessing."""

from dataclasses import replace
from typing import Any

import torch

from mlcli.config.errors import as_config_error
from mlcli.config.locate import calling, locate
from mlcli.config.settings import Settings
from mlcli.loading.dataset import DataSet, Examples
from mlcli.loading.make_dataset import make_dataset
from mlcli.loading.table.schema import Schema
from mlcli.random_numbers import seed_generators
from mlcli.run.own_table import files_of, is_own_table, named_as_typed, split_unit, table_arguments
from mlcli.run.partial import partial
from mlcli.traits import model_traits

# The table that was read last, by its config and the state of its files: trials with another split share it.
_last: tuple[Any, Examples] | None = None


def build_data(cfg: Settings) -> DataSet:
    """The data set with its splits and preprocessing. The global random generators are seeded with 0 before, so that
    all trials of a sweep have the same. Raises ConfigError."""
    traits = model_traits(locate(cfg.model._target_))
    with as_config_error():
        return make_dataset(
            build_examples(cfg),
            **{**cfg.split, "by": split_unit(cfg)},
            by_feature=traits.normalise_per_feature,
            own_vocabulary=traits.own_vocabulary,
        )


def build_examples(cfg: Settings, schema: Schema | None = None) -> Examples:
    """The examples. schema: that of the table that a run was trained on, for new rows. Raises ConfigError."""
    global _last
    seed_generators(0, torch.device("cpu"))
    arguments = table_arguments(cfg)
    with as_config_error(), named_as_typed(cfg), calling(cfg.data._target_, "data._target_"):
        if not is_own_table(cfg):
            made: Examples = partial(cfg.data)(**arguments)
            return made
        files = files_of(cfg)
        key = (dict(cfg.data), arguments, schema, files)
        if _last is None or not files or _last[0] != key:
            _last = (key, partial(cfg.data)(**arguments, **({} if schema is None else {"schema": schema})))
        return replace(_last[1])
