"""A run's data set from its description, without its examples."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mlcli.loading.dataset import INDEX_KINDS, DataSet, Examples
from mlcli.loading.make_dataset import restored
from mlcli.loading.table.schema import Schema


def without_examples(data: dict[str, Any], buffers: Mapping[str, Tensor]) -> DataSet:
    """An empty data set of the same shape and classes, enough to build the network. data: as of `DataSet.describe`.
    buffers: of its preprocessing. Raises ValueError if these do not fit."""
    classes, features = tuple(data["classes"]), tuple(data["features"])
    schema = Schema.from_json(data["schema"]) if "schema" in data else None
    dtypes = {"table": torch.float64, **dict.fromkeys(INDEX_KINDS, torch.int64)}
    examples = Examples(
        name=data["name"],
        kind=data["kind"],
        inputs=torch.empty(0, *data["shape"], dtype=dtypes.get(data["kind"], torch.float32)),
        targets=torch.empty(0, dtype=torch.int64 if classes else torch.float32),
        classes=classes,
        features=features,
        target=data["target"],
        source=data["source"],
        vocabulary=tuple(data.get("vocabulary", ())),
        tokenizer=data.get("tokenizer", ""),
        padded=data.get("padded", False),
        schema=schema,
    )
    none = torch.empty(0, dtype=torch.int64)
    fitted = restored(buffers, examples)
    return DataSet(examples, {"train": none, "val": none, "test": none}, fitted)
